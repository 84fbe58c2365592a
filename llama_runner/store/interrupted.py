"""What may go better the next time, and how long it is tried."""

from __future__ import annotations

import trio
from attrs import define, field

from llama_runner.errors import PullFailed

TRIES = 6
"""Failures in a row, without a byte between them, after which it is given up."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds."""

LONGEST_WISH = 300.0
"""Seconds that a source may have us wait by ``Retry-After``."""


class Interrupted(Exception):
    """A source did not answer, or not to its end; ``after`` is in how many seconds it may."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@define(eq=False)
class Patience:
    """Counts failures in a row, and waits a little longer after each."""

    _tries: int = TRIES
    _failures: int = field(default=0, init=False)

    def renew(self) -> None:
        """Begin anew: something came."""
        self._failures = 0

    async def wait(self, error: Interrupted) -> None:
        """Wait until it may be tried again.

        Raises:
            PullFailed: it was tried often enough, or shall wait for longer than anybody would.

        """
        self._failures += 1
        if self._failures >= self._tries:
            raise PullFailed(f"{error} (tried {self._failures} times)")
        if error.after is not None and error.after > LONGEST_WISH:
            raise PullFailed(f"{error}; it asks to try again in {error.after:.0f} seconds")
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._failures - 1))
        await trio.sleep(pause if error.after is None else max(error.after, 0))
