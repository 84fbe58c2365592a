"""What is told of a pull: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from llama_runner.platforms.console_text import CLEARED

WIDTH = 30
REDRAWN_EVERY = 0.1
TOLD_EVERY = 10
"""Percent between two lines of one file."""


@define(eq=False)
class PullProgress:
    """Writes what the lines of ``/api/pull`` come to; ``clock`` tells seconds."""

    _write: Callable[[str], None]
    _clock: Callable[[], float]
    bars: bool
    _status: str = field(default="", init=False)
    _drawn: float | None = field(default=None, init=False)
    _began: dict[str, tuple[float, int]] = field(factory=dict, init=False)
    """When each file was first heard of, and how much of it was there."""
    _told: dict[str, int] = field(factory=dict, init=False)
    _whole: set[str] = field(factory=set, init=False)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take one line."""
        status, digest, total = str(line.get("status", "")), line.get("digest"), line.get("total")
        if isinstance(digest, str) and isinstance(total, int) and total > 0:
            self._file(status, digest, min(int(line.get("completed") or 0), total), total)
        elif status != self._status:
            self._status = status
            self._say(status)

    def end(self) -> None:
        """Leave what was drawn last, and begin a new line."""
        if self._drawn is not None:
            self._drawn = None
            self._write("\n")

    def _file(self, status: str, digest: str, done: int, total: int) -> None:
        now = self._clock()
        began, had = self._began.setdefault(digest, (now, done))
        percent = 100 * done // total
        if digest in self._whole:
            return
        took = now - began
        rate = (done - had) / took if took > 0 else 0.0
        if done == total:
            self._whole.add(digest)
            self._say(f"{status}: 100%  {in_bytes(total)}")
        elif self.bars:
            self._draw(f"{status}: {percent:3}% {bar(done / total)} {_speed(done, total, rate)}")
        elif percent - self._told.get(digest, -TOLD_EVERY) >= TOLD_EVERY:
            self._told[digest] = percent
            self._say(f"{status}: {percent:3}%  {_speed(done, total, rate)}")

    def _say(self, text: str) -> None:
        self._write(f"{CLEARED if self.bars else ''}{text}\n")
        self._drawn = None

    def _draw(self, text: str) -> None:
        now = self._clock()
        if self._drawn is None or now - self._drawn >= REDRAWN_EVERY:
            self._drawn = now
            self._write(f"{CLEARED}{text}")


def bar(part: float) -> str:
    """Return a bar of which this part is full."""
    full = int(part * WIDTH)
    return f"[{'#' * full}{'.' * (WIDTH - full)}]"


def in_bytes(number: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.2f} GB"


def _speed(done: int, total: int, rate: float) -> str:
    text = f"{in_bytes(done)} of {in_bytes(total)}"
    if rate < 1:
        return text
    left = int((total - done) / rate)
    return f"{text}, {in_bytes(rate)}/s, {left // 60}m{left % 60:02}s"
