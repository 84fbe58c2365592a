"""Reads the chunks of an engine's stream, and notes what is not for the client (sans I/O)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from llama_runner.events.usage import Usage
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.joined import END, read_chunk
from llama_runner.relay.usage import usage_of_timings
from llama_runner.wire.sse import ServerSentEvent


@define(eq=False)
class Chunks:
    """What the chunks of one answer told beside the answer; ``ended`` by the last event."""

    usage: Usage | None = field(default=None, init=False)
    ended: bool = field(default=False, init=False)
    _progress: Mapping[str, Any] = field(factory=dict, init=False)

    @property
    def waiting(self) -> Waiting:
        """How far the prompt has been read."""
        return Waiting(processed=self._progress.get("processed"), total=self._progress.get("total"))

    def read(self, event: ServerSentEvent) -> dict[str, Any] | None:
        """Return the chunk of an event, None if it has no part of the answer.

        Raises:
            EngineRefused: the event is the engine's error.
            RunnerLost: the event is nothing that the engine should say.

        """
        if event.data == END:
            self.ended = True
            return None
        chunk = read_chunk(event)
        if chunk is None:
            return None
        progress = chunk.get("prompt_progress")
        if isinstance(progress, dict):
            self._progress = progress
            return None
        self.note(chunk)
        return chunk

    def note(self, chunk: Mapping[str, Any]) -> None:
        """Take what a chunk, or a whole answer, says that it took."""
        timings = chunk.get("timings")
        if isinstance(timings, dict):
            self.usage = usage_of_timings(timings)
