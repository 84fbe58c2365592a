"""Makes Ollama's answers, as lines or whole, of the engine's streams (sans I/O)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson
from attrs import define, field

from llama_runner.errors import LlamaRunnerError, RunnerLost
from llama_runner.events.usage import Usage
from llama_runner.facades.ollama.line import line
from llama_runner.facades.ollama.logprobs import ollama_logprobs
from llama_runner.facades.ollama.plain_text import TEXT_EVENT, PlainText, plain_text
from llama_runner.facades.ollama.spent import spent
from llama_runner.facades.ollama.timestamps import utc_time
from llama_runner.facades.ollama.tool_calls import ollama_calls
from llama_runner.facades.ollama.wanted import Wanted
from llama_runner.facades.openai.chunks import Chunks
from llama_runner.facades.openai.part import Part, PartReader
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.gathered_calls import GatheredCalls
from llama_runner.relay.record import Durations
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.tongue import Wish
from llama_runner.wire.sse import ServerSentEvent, SSEDecoder


class Style(Protocol):
    """How the objects of one route hold what the model says."""

    @property
    def remembers(self) -> bool:
        """Whether the last object needs all that was said."""
        ...

    def said(self, text: str, thinking: str, calls: list[Any]) -> Mapping[str, Any]:
        """Return the fields of an object that tells this."""
        ...

    def last(self, text: str) -> Mapping[str, Any]:
        """Return what only the last object has, once the model said ``text``."""
        ...


def done_without_work(shown_model: str, style: Style, wish: Wish) -> bytes:
    """Return the answer of a request that only loads or unloads."""
    return line(
        {
            "model": shown_model,
            "created_at": utc_time(time.time_ns()),
            **style.said("", "", []),
            "done": True,
            "done_reason": wish.value,
        }
    ).rstrip()


@define(eq=False)
class OllamaReply:
    """Makes one answer; its parts are told as they come if that is wanted."""

    _style: Style
    _read: PartReader
    _wanted: Wanted
    _request: RelayRequest
    _streams: bool = field(init=False)
    _plain: PlainText | None = field(default=None, init=False)
    _chunks: Chunks = field(factory=Chunks, init=False)
    _decoder: SSEDecoder = field(factory=SSEDecoder, init=False)
    _body: bytearray = field(factory=bytearray, init=False)
    _parts: list[Part] = field(factory=list, init=False)
    _calls: GatheredCalls = field(factory=GatheredCalls, init=False)
    _finish: str | None = field(default=None, init=False)
    _failure: LlamaRunnerError | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._streams = self._request.streams
        if self._streams and self._request.task is Task.CHAT:
            self._plain = plain_text(lambda now, text: self._object(text, "", [], (), now))

    @property
    def usage(self) -> Usage | None:
        """What the answer took, once it has ended and if the engine said so."""
        return self._chunks.usage

    @property
    def waiting(self) -> Waiting:
        """How far the prompt has been read."""
        return self._chunks.waiting

    def feed(self, piece: bytes) -> bytes:
        """Take what came next; return the lines that tell it, if any.

        Raises:
            EngineRefused: the engine ends its stream with an error.
            FramingError: what came is no stream.
            RunnerLost: it is nothing that the engine should say.

        """
        if not self._request.goes_up_as_stream:
            self._body += piece
            return b""
        if self._failure is not None:
            raise self._failure
        told: list[bytes] = []
        rest = piece
        if self._plain is not None and self._decoder.between_events:
            rest = self._feed_text(self._plain, piece, told)
        try:
            for event in self._decoder.feed(rest) if rest else ():
                told.append(self._line(event))
        except LlamaRunnerError as error:
            if not told:
                raise
            self._failure = error  # behind what was said before it
        return b"".join(told)

    def end(self, took: Durations) -> bytes:
        """Return the last lines, or the whole answer.

        Raises:
            RunnerLost: the engine broke off.

        """
        if self._failure is not None:
            raise self._failure
        told = b"" if self._request.goes_up_as_stream else self._tell_body()
        if not (self._chunks.ended and self._finish):
            raise RunnerLost("the engine broke off its answer before it was finished")
        cut = self._finish == "length"
        calls, parts = ollama_calls(self._calls.whole(), cut=cut), self._parts
        said = "".join([part.text for part in parts])
        if self._streams:
            text = thinking = ""
            if calls:
                told += line(self._object("", "", calls, ()))
        else:
            text, thinking = said, "".join([part.thinking for part in parts])
        last = {
            **self._object(text, thinking, [] if self._streams else calls, self._held_logprobs()),
            "done": True,
            "done_reason": "length" if cut else "stop",
            **self._style.last(said),
            **spent(took, self.usage),
        }
        return told + (line(last) if self._streams else line(last).rstrip())

    def _feed_text(self, plain: PlainText, piece: bytes, told: list[bytes]) -> bytes:
        """Tell the events of plain text that ``piece`` begins with; return what is left of it."""
        place = 0
        while found := TEXT_EVENT.match(piece, place):
            told.append(plain.line(found[1]))
            if self._style.remembers:
                self._parts.append(Part(orjson.loads(found[1])))
            place = found.end()
        return piece[place:] if place else piece

    def _line(self, event: ServerSentEvent) -> bytes:
        chunk = self._chunks.read(event)
        return b"" if chunk is None else self._tell(self._read(chunk))

    def _tell(self, part: Part) -> bytes:
        self._finish = part.finish or self._finish
        self._chunks.ended = self._chunks.ended or part.ends
        if part.calls:
            self._calls.add(part.calls)
        if not (part.text or part.thinking or part.logprobs):
            return b""
        if self._style.remembers or not self._streams:
            self._parts.append(part)
        if not self._streams:
            return b""
        return line(self._object(part.text, part.thinking, [], part.logprobs))

    def _object(
        self,
        text: str,
        thinking: str,
        calls: list[Any],
        logprobs: Iterable[Any],
        now: str | None = None,
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": self._wanted.shown_model,
            "created_at": now or utc_time(time.time_ns()),
            **self._style.said(text, thinking, calls),
            "done": False,
        }
        if logprobs:
            fields["logprobs"] = ollama_logprobs(logprobs, self._wanted.top_logprobs)
        return fields

    def _held_logprobs(self) -> list[Any]:
        if self._streams:
            return []
        return [one for part in self._parts for one in part.logprobs]

    def _tell_body(self) -> bytes:
        """Tell an answer that came in one piece, as it does where the engine cannot stream it."""
        try:
            answer = orjson.loads(self._body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise RunnerLost("the engine's answer is none")
        self._chunks.ended = True
        self._chunks.note(answer)
        return self._tell(self._read(answer))
