"""Images, and sounds, as Ollama's clients send them: bare base64 without a type."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

from llama_runner.errors import BadRequest
from llama_runner.wire.long_strings import Aside, plain_beginning

_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]*")
_HEAD = 24
"""Characters of base64 that tell what the data is."""


def media_part(image: str, aside: Aside) -> dict[str, Any]:
    """Return the content part of OpenAI's chat that holds an image, or a sound.

    Raises:
        BadRequest: it is no base64, in Go's words. Of a string whose rest is set ``aside``
            only the beginning is looked at; the engine decodes it all.

    """
    checked = plain_beginning(image, aside)
    good = _BASE64.match(checked)
    end = good.end() if good else 0
    if checked[end:].strip("=") or not checked or (checked is image and len(checked) % 4):
        raise BadRequest(f"illegal base64 data at input byte {end}")
    head = b64decode(checked[:_HEAD][: len(checked[:_HEAD]) // 4 * 4], validate=False)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return {"type": "input_audio", "input_audio": {"data": image, "format": "wav"}}
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xf3", b"\xf2")):
        return {"type": "input_audio", "input_audio": {"data": image, "format": "mp3"}}
    return {"type": "image_url", "image_url": {"url": f"data:{_type(head)};base64,{image}"}}


def _type(head: bytes) -> str:
    """Return the media type; the engine looks at the data alone."""
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:4] == b"RIFF":
        return "image/webp"
    return "image/gif" if head[:3] == b"GIF" else "image/png"
