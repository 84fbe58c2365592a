"""What a request may point the engine at.

llama-server fetches ``http:`` and ``file:`` addresses of images by itself; a
client must not be able to make it read this machine's files or network. So
content parts carry their data with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llama_runner.errors import BadRequest, shortened

_ADDRESSED_PARTS = (
    *("image_url", "video_url", "audio_url", "input_image", "file", "input_audio", "file_url"),
)
_CONTENTS = ("content", "output")
"""What holds parts: a message's content, and what a tool put out in OpenAI's Responses."""


def refuse_remote_media(messages: Sequence[Any], field: str = "messages") -> None:
    """Raise BadRequest if a content part refers to anything but its own ``data:``."""
    for place, message in enumerate(messages):
        for holder, index, part in _parts(message):
            for name, address in _addresses(part):
                if not address.lstrip()[:5].lower() == "data:":
                    where = f"{field}[{place}].{holder}[{index}].{name}"
                    raise BadRequest(
                        f"{where}: expected a data: URL "
                        f"(data:image/png;base64,…), got {shortened(address)!r}; "
                        "nothing is fetched on a client's behalf",
                        param=where,
                        code="invalid_image_url",
                    )


def _parts(message: Any) -> Iterator[tuple[str, int, Any]]:
    """Yield the content parts of one message with where they stand in it."""
    if not isinstance(message, dict):
        return
    for holder in _CONTENTS:
        parts = message.get(holder)
        if isinstance(parts, list):
            for index, part in enumerate(parts):
                yield holder, index, part


def _addresses(part: Any) -> Iterator[tuple[str, str]]:
    """Yield the addresses of one content part with the names of their fields."""
    if not isinstance(part, dict):
        return
    for name in _ADDRESSED_PARTS:
        value = part.get(name)
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            for key in ("url", "file_url", "image_url"):
                if isinstance(value.get(key), str):
                    yield f"{name}.{key}", value[key]
