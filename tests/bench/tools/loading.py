"""Puts load on something that serves, and returns what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

from tests.bench.process import Served, processor_time, running

ENDLESS = 1_000_000_000
"""Tokens of an answer that outlasts every measurement."""
NOTHING = -1
"""In place of a number of tokens: connections only, on which nothing is asked."""


@frozen(kw_only=True)
class Shape:
    """What is asked for, by how many at once; ``rate`` is tokens a second, 0 as fast as can be."""

    streams: int
    tokens: int = ENDLESS
    rate: int = 0
    streamed: bool = True
    lasts: float = 1.0
    """How long it is warmed and measured, as a share of what was asked for."""


FACTS = (
    *("first_p50", "first_p99", "delay_p50", "delay_p99", "gap_p99"),
    *("requests", "chunks", "request_cost", "chunk_cost"),
)


@frozen
class Seen:
    """What one measurement saw; times in microseconds."""

    seconds: float
    requests: int
    chunks: int
    errors: int
    first_byte: Mapping[str, float] = field(factory=dict)
    delay: Mapping[str, float] = field(factory=dict)
    gap: Mapping[str, float] = field(factory=dict)
    """From one token of a stream to the next."""
    processor: float | None = None
    """Processor time of what was measured, in seconds."""

    def fact(self, name: str) -> float | None:
        """Return one figure by its name, if it was measured."""
        return {
            "first_p50": self.first_byte.get("p50"),
            "first_p99": self.first_byte.get("p99"),
            "delay_p50": self.delay.get("p50"),
            "delay_p99": self.delay.get("p99"),
            "gap_p99": self.gap.get("p99"),
            "requests": self.requests / self.seconds,
            "chunks": self.chunks / self.seconds,
            "request_cost": self._cost(self.requests),
            "chunk_cost": self._cost(self.chunks),
        }[name]

    def _cost(self, count: int) -> float | None:
        return 1e6 * self.processor / count if self.processor is not None and count else None


@contextmanager
def under_load(
    command: Sequence[str], target: Served, shape: Shape, warm: float, measured: float
) -> Iterator[Seen]:
    """Measure, and keep every connection open while the block lasts.

    Raises:
        RuntimeError: the client gave up.
    """
    arguments = (
        *(target.host, target.port, target.path, target.model),
        *(shape.streams, shape.tokens, shape.rate, int(shape.streamed)),
        *(int(1000 * warm * shape.lasts), int(1000 * measured * shape.lasts)),
    )
    with running([*command, *map(str, arguments)]) as client:
        assert client.stdin is not None and client.stdout is not None
        _expect(client.stdout.readline(), "connected")
        client.stdin.write("\n")
        client.stdin.flush()
        _expect(client.stdout.readline(), "measuring")
        before = processor_time(target.process) if target.process else 0.0
        line = _expect(client.stdout.readline(), "{")
        used = processor_time(target.process) - before if target.process else None
        yield _seen(line, used)


def _seen(line: str, processor: float | None) -> Seen:
    told: dict[str, Any] = json.loads(line)
    samples: dict[str, Any] = {
        name: told.pop(name) or {} for name in ("first_byte", "delay", "gap")
    }
    return Seen(**told, **samples, processor=processor)


def _expect(line: str, beginning: str) -> str:
    if not line.startswith(beginning):
        raise RuntimeError(f"the load client ended early; expected {beginning!r}, got {line!r}")
    return line
