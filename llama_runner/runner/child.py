"""The seam between a runner and the operating system."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen
from trio.abc import ReceiveStream

from llama_runner.runner.launch import Launch


@frozen
class Slot:
    """One of the sequences that a child decodes in parallel.

    ``done`` is how many tokens of its request it has read and written, where that is known.
    """

    id: int
    busy: bool
    done: int = 0


class Control(Protocol):
    """A child's control plane; every call has a bound of its own."""

    async def is_ready(self) -> bool:
        """Report whether our child, and no other program, would serve a request at this port."""
        ...

    def port_is_taken(self) -> bool:
        """Report whether another program has its port, once our child is dead; never blocks."""
        ...

    async def props(self) -> Mapping[str, object]:
        """Return what it says of its settings; raise RunnerLost if it does not answer."""
        ...

    async def slots(self) -> tuple[Slot, ...]:
        """Return its slots; raise RunnerLost if it does not answer."""
        ...


class Child(Protocol):
    """A running llama-server.

    Whoever entered the spawner's block reads ``stdout`` and ``stderr`` to
    their ends and closes them: both outlive the block, so that last words
    are heard.
    """

    @property
    def pid(self) -> int:
        """The process id, for logs and measurements."""
        ...

    @property
    def stdout(self) -> ReceiveStream:
        """The child protocol's messages."""
        ...

    @property
    def stderr(self) -> ReceiveStream:
        """The log."""
        ...

    @property
    def control(self) -> Control:
        """The way to ask it something."""
        ...

    @property
    def exit_code(self) -> int | None:
        """Its exit code, once it is known."""
        ...

    def served(self) -> None:
        """Note that it has been ready, which decides how it is stopped.

        A loading child is deaf to the exit line and has nothing to lose; one
        that has served is asked first.
        """
        ...

    def hurry(self) -> None:
        """Make the stop, running or yet to come, a quick one."""
        ...

    async def wait(self) -> int:
        """Return its exit code as soon as it has exited."""
        ...


class Spawner(Protocol):
    """Starts children."""

    def __call__(self, launch: Launch) -> AbstractAsyncContextManager[Child]:
        """Start a child; once the block is left, it and its whole group are dead.

        Raises:
            OSError: the command cannot be run.
        """
        ...
