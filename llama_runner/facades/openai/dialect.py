"""OpenAI's words for what is not the engine's own answer."""

from __future__ import annotations

import orjson
from attrs import frozen

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.openai.errors import to_openai
from llama_runner.relay.dialect import ErrorAnswer, Waiting
from llama_runner.relay.stream_kind import EVENT_STREAM, StreamKind


@frozen
class OpenAIDialect:
    """The relay's Dialect for OpenAI's routes."""

    stream: StreamKind = EVENT_STREAM

    def error(self, error: LlamaRunnerError) -> ErrorAnswer:
        """Return the error as a whole answer."""
        worded = to_openai(error)
        return ErrorAnswer(worded.status, orjson.dumps(worded.fields()), worded.headers)

    def last_event(self, error: LlamaRunnerError) -> bytes:
        """Return the error as the stream's last event, and OpenAI's terminator."""
        return b"data: %b\n\ndata: [DONE]\n\n" % orjson.dumps(to_openai(error).fields())

    def heartbeat(self, waiting: Waiting) -> bytes:
        """Return an SSE comment, which every client must ignore (HTML standard, 9.2.6)."""
        return f": {_progress(waiting)}\n\n".encode()


def _progress(waiting: Waiting) -> str:
    if waiting.total:
        return f"prompt {waiting.processed or 0}/{waiting.total}"
    if waiting.loaded is not None:
        return f"loading {waiting.loaded:.0%}{_expected(waiting)}"
    place = f"queued behind {waiting.ahead}" if waiting.ahead else "waiting"
    return place + _expected(waiting)


def _expected(waiting: Waiting) -> str:
    told = []
    if waiting.seconds:
        told.append(f"about {waiting.seconds:.0f} s")
    if waiting.open:
        told.append("until a running answer ends")
    return ", " + " and ".join(told) if told else ""
