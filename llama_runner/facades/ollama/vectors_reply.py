"""Makes an answer of the vectors that the engine gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.events.usage import Usage
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.record import Durations


@define(eq=False)
class VectorsReply:
    """Holds the engine's answer, which comes whole, and makes the client's at its end."""

    _answer: Callable[[list[list[float]], int, Durations], dict[str, Any]]
    usage: Usage | None = field(default=None, init=False)
    waiting: Waiting = field(factory=Waiting, init=False)
    _body: bytearray = field(factory=bytearray, init=False)

    def feed(self, piece: bytes) -> bytes:
        """Take what came next; there is nothing to tell yet."""
        self._body += piece
        return b""

    def end(self, took: Durations) -> bytes:
        """Return the answer; raises RunnerLost if the engine's is none."""
        vectors, tokens = self._read()
        self.usage = Usage(prompt_tokens=tokens)
        return orjson.dumps(self._answer(vectors, tokens, took))

    def _read(self) -> tuple[list[list[float]], int]:
        """Return the vectors in the order of their texts, and the tokens of all texts."""
        try:
            answer = orjson.loads(self._body)
            vectors = sorted(answer["data"], key=lambda one: int(one["index"]))
            tokens = int(answer["usage"]["prompt_tokens"])
            return [one["embedding"] for one in vectors], tokens
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise RunnerLost("the engine's answer is none") from error
