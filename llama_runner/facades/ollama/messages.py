"""Ollama's messages as those of OpenAI's chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.go_json import ANY, ListOf, Struct
from llama_runner.facades.ollama.images import media_part
from llama_runner.wire.long_strings import Aside, restored

TOOL_CALL = Struct(
    "api.ToolCall",
    {
        "id": "string",
        "function": Struct(
            "api.ToolCallFunction", {"index": "number", "name": "string", "arguments": "object"}
        ),
    },
)
MESSAGE = Struct(
    "api.Message",
    {
        **{"role": "string", "content": "string", "thinking": "string"},
        **{"images": ListOf("string"), "tool_calls": ListOf(TOOL_CALL)},
        **{"tool_name": "string", "tool_call_id": "string"},
    },
)
TOOL = Struct(
    "api.Tool",
    {
        "type": "string",
        "function": Struct(
            "api.ToolFunction", {"name": "string", "description": "string", "parameters": ANY}
        ),
    },
)


def openai_messages(messages: Iterable[Mapping[str, Any]], aside: Aside) -> list[dict[str, Any]]:
    """Return the messages for the engine.

    Raises:
        BadRequest: an image is no base64.

    """
    return [_message(place, message, aside) for place, message in enumerate(messages)]


def content_of(text: str, images: Iterable[str], aside: Aside) -> str | list[dict[str, Any]]:
    """Return a message's content: its text, behind its images if it has some."""
    parts = [media_part(image, aside) for image in images]
    return [*parts, {"type": "text", "text": text}] if parts else text


def openai_tools(tools: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools for the engine; one without parameters takes none.

    The engine fails on one without a name, which for Ollama is one with an empty name.
    """
    bare = {"name": "", "parameters": {"type": "object", "properties": {}}}
    return [
        {"type": "function", "function": {**bare, **tool.get("function", {})}} for tool in tools
    ]


def _message(place: int, message: Mapping[str, Any], aside: Aside) -> dict[str, Any]:
    role = message.get("role", "").lower()
    if not role:
        raise BadRequest(f"messages[{place}].role is missing")
    content = content_of(message.get("content", ""), message.get("images", ()), aside)
    told: dict[str, Any] = {"role": role, "content": content}
    if thinking := message.get("thinking"):
        told["reasoning_content"] = thinking
    if calls := message.get("tool_calls"):
        told["tool_calls"] = [
            _call(f"call_{place}_{n}", call, aside) for n, call in enumerate(calls)
        ]
    if name := message.get("tool_name"):
        told["name"] = name
    if number := message.get("tool_call_id"):
        told["tool_call_id"] = number
    return told


def _call(number: str, call: Mapping[str, Any], aside: Aside) -> dict[str, Any]:
    """Return a call; without a number of its own it has this one, the same at every turn."""
    function = call.get("function", {})
    # A text within a text: what is set aside of it would be restored with too few escapes.
    arguments = b"".join(restored(orjson.dumps(function.get("arguments", {})), aside)).decode()
    called = {"name": function.get("name", ""), "arguments": arguments}
    return {"type": "function", "id": call.get("id") or number, "function": called}
