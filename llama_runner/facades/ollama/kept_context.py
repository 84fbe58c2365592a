"""The deprecated field ``context``: a conversation so far, as numbers that a client sends back.

With Ollama they are the tokens of the last prompt and answer. Nobody but the server reads
them, so here they hold the messages themselves: UTF-8, two bytes a number. That needs no
tokenizer, and the model's template sees a conversation, not its text.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llama_runner.errors import BadRequest

_MARK = b"LlamaRunner 1 "


def context_of_messages(messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the numbers that stand for a conversation, each below 65,536."""
    written = _MARK + orjson.dumps(messages)
    written += b" " * (len(written) % 2)
    return list(struct.unpack(f"<{len(written) // 2}H", written))


def messages_of_context(context: Sequence[int]) -> list[dict[str, Any]]:
    """Return the conversation that the numbers stand for; none has no messages.

    Raises:
        BadRequest: they come from elsewhere.

    """
    if not context:
        return []
    try:
        written = struct.pack(f"<{len(context)}H", *context)
        if not written.startswith(_MARK):
            raise ValueError
        messages = orjson.loads(written[len(_MARK) :])
    except (struct.error, ValueError):
        messages = None
    if isinstance(messages, list) and all(map(_is_message, messages)):
        return messages
    raise BadRequest("context: expected the numbers of an earlier answer of this program")


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"role", "content"}
        and all(isinstance(each, str) for each in value.values())
    )
