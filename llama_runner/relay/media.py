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


def refuse_remote_media(messages: Sequence[Any], field: str = "messages") -> None:
    """Raise BadRequest if a content part refers to anything but its own ``data:``."""
    for place, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            continue
        for index, part in enumerate(content):
            for name, address in _addresses(part):
                if not address.lstrip()[:5].lower() == "data:":
                    raise BadRequest(
                        f"{field}[{place}].content[{index}].{name}: expected a data: URL "
                        f"(data:image/png;base64,…), got {shortened(address)!r}; "
                        "nothing is fetched on a client's behalf",
                        param=f"{field}[{place}].content[{index}].{name}",
                        code="invalid_image_url",
                    )


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
