"""A child as trio sees it, and the polite half of its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from trio.abc import ReceiveStream, SendStream

from llama_runner.concurrency.first import first
from llama_runner.runner.child import Control
from llama_runner.runner.child_protocol import EXIT_LINE

# Idle, llama-server heeds the exit line in 20 ms; in 0.8 s when a stream has just
# been hung up on. One that hears nothing for this long hears nothing at all.
EXIT_LINE_GRACE = 1.5
HANG_UP_GRACE = 0.5


@define(eq=False)
class ServerProcess:
    """The Child protocol over a trio process with three pipes.

    ``exited`` waits for the exit without reaping the process: on POSIX a
    reaped leader's number may belong to a stranger, and its group with it.
    """

    _process: trio.Process
    control: Control
    _exited: Callable[[], Awaitable[int]]
    has_served: bool = field(default=False, init=False)
    _hurried: trio.Event = field(factory=trio.Event, init=False)
    _exit_code: int | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process id, for logs and measurements."""
        return self._process.pid

    @property
    def stdin(self) -> SendStream:
        """The way to tell it something."""
        assert self._process.stdin is not None  # noqa: S101 - spawned with a pipe
        return self._process.stdin

    @property
    def stdout(self) -> ReceiveStream:
        """The child protocol's messages."""
        assert self._process.stdout is not None  # noqa: S101 - spawned with a pipe
        return self._process.stdout

    @property
    def stderr(self) -> ReceiveStream:
        """The log."""
        assert self._process.stderr is not None  # noqa: S101 - spawned with a pipe
        return self._process.stderr

    @property
    def exit_code(self) -> int | None:
        """Its exit code, once someone has seen it exit."""
        return self._exit_code

    def served(self) -> None:
        """Note that it has been ready, which decides how it is stopped."""
        self.has_served = True

    def hurry(self) -> None:
        """Make the stop, running or yet to come, a quick one."""
        self._hurried.set()

    async def wait(self) -> int:
        """Return its exit code as soon as it has exited."""
        if self._exit_code is None:
            self._exit_code = await self._exited()
        return self._exit_code

    async def ask_to_exit(self) -> None:
        """Ask a child that has served to exit; return when it has, or has had its time."""
        if not self._hurried.is_set():
            with trio.move_on_after(EXIT_LINE_GRACE):
                await self._say(EXIT_LINE)
                await first(self.wait, self._hurried.wait)
        if self._hurried.is_set() and self._exit_code is None:
            await self.hang_up()
            with trio.move_on_after(HANG_UP_GRACE):
                await self.wait()

    async def hang_up(self) -> None:
        """Close its stdin, which a child in protocol mode takes for our end."""
        await trio.aclose_forcefully(self.stdin)

    async def _say(self, line: bytes) -> None:
        try:
            await self.stdin.send_all(line)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # It has exited, or never reads: the ladder's next rungs see to that.
            return
