"""Makes Anthropic's answers, as events or whole, of the engine's streams (sans I/O).

The order of events is that of https://docs.anthropic.com/en/api/messages-streaming.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import orjson
from attrs import define, field

from llama_runner.errors import LlamaRunnerError, RunnerLost
from llama_runner.events.usage import Usage
from llama_runner.facades.anthropic.content import Content
from llama_runner.facades.openai.chunks import Chunks
from llama_runner.facades.openai.named_event import named_event
from llama_runner.facades.openai.part import chat_part
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.record import Durations
from llama_runner.wire.sse import ServerSentEvent, SSEDecoder

_REASONS: Mapping[str, str] = {"length": "max_tokens", "tool_calls": "tool_use"}


@define(eq=False)
class AnthropicReply:
    """Makes one answer; its events are told as they come if that is wanted."""

    _model: str
    _streams: bool
    _id: str = field(factory=lambda: f"msg_{token_hex(12)}", init=False)
    _chunks: Chunks = field(factory=Chunks, init=False)
    _decoder: SSEDecoder = field(factory=SSEDecoder, init=False)
    _content: Content = field(factory=Content, init=False)
    _begun: bool = field(default=False, init=False)
    _finish: str | None = field(default=None, init=False)
    _failure: LlamaRunnerError | None = field(default=None, init=False)

    @property
    def usage(self) -> Usage | None:
        """What the answer took, once it has ended and if the engine said so."""
        return self._chunks.usage

    @property
    def waiting(self) -> Waiting:
        """How far the prompt has been read."""
        return self._chunks.waiting

    def feed(self, piece: bytes) -> bytes:
        """Take what came next; return the events that tell it, if any.

        Raises:
            EngineRefused: the engine ends its stream with an error.
            FramingError: what came is no stream.
            RunnerLost: it is nothing that the engine should say.

        """
        if self._failure is not None:
            raise self._failure
        told: list[bytes] = []
        try:
            for each in self._decoder.feed(piece):
                told += map(named_event, self._take(each))
        except LlamaRunnerError as error:
            if not any(told):
                raise
            self._failure = error  # behind what was said before it
        return b"".join(told) if self._streams else b""

    def end(self, took: Durations) -> bytes:
        """Return the last events, or the whole answer.

        Raises:
            RunnerLost: the engine broke off.

        """
        if self._failure is not None:
            raise self._failure
        if not (self._chunks.ended and self._finish):
            raise RunnerLost("the engine broke off its answer before it was finished")
        reason = _REASONS.get(self._finish, "end_turn")
        if not self._streams:
            whole = self._message(self._content.blocks(), reason)
            return orjson.dumps({**whole, "usage": self._usage()})
        told = [*self._start(), *self._content.stop()]
        delta = {"stop_reason": reason, "stop_sequence": None}
        told.append({"type": "message_delta", "delta": delta, "usage": self._usage()})
        told.append({"type": "message_stop"})
        return b"".join(map(named_event, told))

    def _take(self, each: ServerSentEvent) -> list[dict[str, Any]]:
        chunk = self._chunks.read(each)
        if chunk is None:
            return []
        part = chat_part(chunk)
        self._finish = part.finish or self._finish
        told = self._content.add(part)
        return [*self._start(), *told] if told else []

    def _start(self) -> list[dict[str, Any]]:
        """Return how the message begins, once."""
        if self._begun:
            return []
        self._begun = True
        total = self.waiting.total
        usage = {"input_tokens": total if isinstance(total, int) else 0, "output_tokens": 0}
        return [{"type": "message_start", "message": {**self._message([], None), "usage": usage}}]

    def _message(self, content: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
        return {
            **{"id": self._id, "type": "message", "role": "assistant", "model": self._model},
            **{"content": content, "stop_reason": reason, "stop_sequence": None},
        }

    def _usage(self) -> dict[str, int]:
        """Return what the answer took; what was in the cache is not counted as read."""
        usage = self.usage
        if usage is None:
            return {"input_tokens": 0, "output_tokens": 0}
        return {
            "input_tokens": usage.prompt_tokens - usage.cached_tokens,
            "cache_read_input_tokens": usage.cached_tokens,
            "output_tokens": usage.completion_tokens,
        }
