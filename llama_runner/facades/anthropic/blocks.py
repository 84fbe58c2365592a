"""Content blocks of requests, as parts of OpenAI's chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from llama_runner.errors import BadRequest
from llama_runner.wire.long_strings import Aside, restored

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def blocks_of(content: Any, where: str) -> list[Mapping[str, Any]]:
    """Return a content's blocks; a text is one.

    Raises:
        BadRequest: it is neither a text nor a list of blocks.

    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list) and all(isinstance(block, dict) for block in content):
        return content
    raise BadRequest(f"{where}: expected a string or a list of content blocks", param=where)


def text_of(content: Any, where: str) -> str:
    """Return the text of a content, one block below the other; raises BadRequest if it is none."""
    texts = [_text(block, where) for block in blocks_of(content, where)]
    return "\n".join(text for text in texts if text is not None)


def parts_of(blocks: list[Mapping[str, Any]], where: str) -> list[dict[str, Any]]:
    """Return the texts and images among blocks.

    Raises:
        BadRequest: an image is not in the request itself; nothing is fetched for a client.

    """
    return [
        part for place, block in enumerate(blocks) for part in _part(block, f"{where}[{place}]")
    ]


def _part(block: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    kind = block.get("type")
    if kind == "image":
        yield {"type": "image_url", "image_url": {"url": _data_url(block.get("source"), where)}}
    elif kind in ("text", "document"):
        yield {"type": "text", "text": _text(block, where) or ""}


def _text(block: Mapping[str, Any], where: str) -> str | None:
    if block.get("type") == "text":
        text = block.get("text")
        if not isinstance(text, str):
            raise BadRequest(f"{where}.text: expected a string", param=where)
        return text
    if block.get("type") != "document":
        return None
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        data = source.get("data")
        if isinstance(data, str):
            return data
    raise BadRequest(f"{where}.source: expected a document whose source is a text", param=where)


def _data_url(source: Any, where: str) -> str:
    if isinstance(source, dict) and source.get("type") == "base64":
        kind, data = source.get("media_type"), source.get("data")
        if kind in _IMAGES and isinstance(data, str) and data:
            return f"data:{kind};base64,{data}"
    expected = f"expected base64 data of {', '.join(_IMAGES)}"
    raise BadRequest(
        f"{where}.source: {expected}; nothing is fetched on a client's behalf", param=where
    )


def call_of(block: Mapping[str, Any], where: str, aside: Aside) -> dict[str, Any]:
    """Return a block ``tool_use`` as a call; raises BadRequest if it is none."""
    name, given = block.get("name"), block.get("input", {})
    if not isinstance(name, str) or not isinstance(given, dict):
        raise BadRequest(f"{where}: expected a name, and an input that is an object", param=where)
    try:
        arguments = b"".join(restored(orjson.dumps(given), aside)).decode()
    except orjson.JSONEncodeError:
        raise BadRequest(f"{where}.input: it is nested too deeply", param=where) from None
    function = {"name": name, "arguments": arguments}
    return {"id": str(block.get("id", "")), "type": "function", "function": function}
