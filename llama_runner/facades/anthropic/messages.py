"""Anthropic's messages and tools as those of OpenAI's chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llama_runner.errors import BadRequest
from llama_runner.facades.anthropic.blocks import blocks_of, call_of, parts_of, text_of
from llama_runner.wire.long_strings import Aside

_CHOICES: Mapping[str, str] = {
    "auto": "auto",
    "any": "required",
    "tool": "required",
    "none": "none",
}


def openai_messages(system: Any, messages: Sequence[Any], aside: Aside) -> list[dict[str, Any]]:
    """Return the messages for the engine.

    Raises:
        BadRequest: naming what cannot be understood.

    """
    before = text_of(system, "system") if system else ""
    told: list[dict[str, Any]] = [{"role": "system", "content": before}] if before else []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if not isinstance(message, dict):
            raise BadRequest(f"{where}: expected an object", param=where)
        told += _messages(message, where, aside)
    return told


def openai_tools(tools: Any) -> list[dict[str, Any]]:
    """Return the tools that a client runs itself; there is nobody to run those of Anthropic's.

    Raises:
        BadRequest: one has no name.

    """
    told = []
    for place, tool in enumerate(tools if isinstance(tools, list) else []):
        if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
            raise BadRequest(f"tools[{place}].name: expected a string", param="tools")
        if tool.get("type", "custom") != "custom":
            continue
        about = {"description": str(tool["description"])} if tool.get("description") else {}
        schema = tool.get("input_schema") or {"type": "object", "properties": {}}
        function = {"name": tool["name"], **about, "parameters": schema}
        told.append({"type": "function", "function": function})
    return told


def tool_fields(tools: Any, choice: Any) -> dict[str, Any]:
    """Return what the engine is told of tools and of the choice among them."""
    told = openai_tools(tools)
    if not told:
        return {}
    wanted = choice if isinstance(choice, dict) else {}
    if wanted.get("type") == "tool":
        named = [each for each in told if each["function"]["name"] == wanted.get("name")]
        if not named:
            raise BadRequest("tool_choice.name: expected the name of a tool", param="tool_choice")
        told = named
    fields: dict[str, Any] = {"tools": told}
    if wanted.get("type") in _CHOICES:
        fields["tool_choice"] = _CHOICES[wanted["type"]]
    if wanted.get("disable_parallel_tool_use") is True:
        fields["parallel_tool_calls"] = False
    return fields


def _messages(message: Mapping[str, Any], where: str, aside: Aside) -> Iterator[dict[str, Any]]:
    blocks = blocks_of(message.get("content"), f"{where}.content")
    if message.get("role") == "user":
        yield from _of_user(blocks, f"{where}.content")
    elif message.get("role") == "assistant":
        yield _of_assistant(blocks, f"{where}.content", aside)
    else:
        raise BadRequest(f"{where}.role: expected user or assistant", param=f"{where}.role")


def _of_user(blocks: list[Mapping[str, Any]], where: str) -> Iterator[dict[str, Any]]:
    """Return the results of tools first, as templates want them behind the calls."""
    parts = parts_of(blocks, where)
    for place, block in enumerate(blocks):
        if block.get("type") == "tool_result":
            at = f"{where}[{place}].content"
            content = block.get("content") or ""
            text, images = text_of(content, at), parts_of(blocks_of(content, at), at)
            yield {
                "role": "tool",
                "tool_call_id": str(block.get("tool_use_id", "")),
                "content": text,
            }
            parts = [*(part for part in images if part["type"] == "image_url"), *parts]
    if not parts:
        return
    if len(parts) == 1 and parts[0]["type"] == "text":
        yield {"role": "user", "content": parts[0]["text"]}
    else:
        yield {"role": "user", "content": parts}


def _of_assistant(blocks: list[Mapping[str, Any]], where: str, aside: Aside) -> dict[str, Any]:
    texts = [block for block in blocks if block.get("type") == "text"]
    told: dict[str, Any] = {"role": "assistant", "content": text_of(texts, where)}
    thoughts = [block.get("thinking") for block in blocks if block.get("type") == "thinking"]
    if thinking := "\n".join(text for text in thoughts if isinstance(text, str)):
        told["reasoning_content"] = thinking
    calls = [
        call_of(block, f"{where}[{place}]", aside)
        for place, block in enumerate(blocks)
        if block.get("type") == "tool_use"
    ]
    if calls:
        told["tool_calls"] = calls
    return told
