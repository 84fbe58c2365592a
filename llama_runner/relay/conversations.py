"""What a request's conversation is recognised by.

A mark is the CRC-32 of a piece's length and ends, going on from the mark before it. That is
no proof, and need not be: where two prompts are taken for one, only time is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import orjson

from llama_runner.scheduling.conversation import Conversation

_BLOCK = 2048
"""Characters, or tokens, of a prompt that is no chat."""
_END = 256
_INSTRUCTING = ("system", "developer")


def conversation_of_chat(fields: Mapping[str, Any]) -> Conversation:
    """Return the conversation of a chat's messages.

    Two with the same instructions and first message are taken for one.
    """
    messages = fields.get("messages") or ()
    topic = 0
    for message in messages:
        if not (isinstance(message, dict) and message.get("role") in _INSTRUCTING):
            break
        topic += 1
    tools = fields.get("tools")
    # Templates put them in front of everything; the system prompt tells the rest of them.
    seed = len(tools) if isinstance(tools, list) else 0
    return _marked(messages, topic, seed)


def conversation_of_response(fields: Mapping[str, Any]) -> Conversation:
    """Return the conversation of what OpenAI's Responses are asked with."""
    asked = fields.get("input")
    items = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
    system = {"role": "system", "content": fields.get("instructions")}
    return conversation_of_chat({"messages": [system, *items], "tools": fields.get("tools")})


def conversation_of_text(prompt: Any) -> Conversation:
    """Return the conversation of a text, or of tokens, that is to be continued."""
    if not isinstance(prompt, str | list):
        return _marked((), 0, 0)
    return _marked(_blocks(prompt), 0, 0)


def _blocks(prompt: Sequence[Any]) -> Iterable[Any]:
    return (prompt[start : start + _BLOCK] for start in range(0, len(prompt), _BLOCK))


def _marked(pieces: Iterable[Any], topic: int, seed: int) -> Conversation:
    marks: list[int] = []
    sizes: list[int] = []
    mark, size = seed, 0
    dumps = orjson.dumps
    try:
        for piece in pieces:
            text = dumps(piece)
            length = len(text)
            size += length
            if length > 2 * _END:
                text = text[:_END] + text[-_END:]
            mark = crc32(text, mark ^ length)
            marks.append(mark)
            sizes.append(size)
    except orjson.JSONEncodeError:
        pass  # nested too deeply; whoever writes it for the engine says so
    return Conversation(marks, sizes, topic)
