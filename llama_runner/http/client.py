"""The client's end of one connection: read always, written to under a deadline."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf

import trio
from attrs import define, field

from llama_runner.platforms.resetting import reset_when_closed

RECEIVE_BYTES = 65536

FLOOD_PATIENCE = 1.0
"""Seconds with a full look-ahead that end an answer; it may just be about to end by itself."""

LAST_WORDS_BYTES = 1024 * 1024
"""Enough for the rest of a piece that was on its way; the system gives as much as it may."""


class ClientGone(Exception):
    """The client closed or broke the connection."""


class ClientTooSlow(Exception):
    """The client did not send, or take, what it owed in time."""


@define(eq=False)
class Client:
    """A connected client, over its non-blocking socket.

    ``watch`` reads for as long as the connection lives, also while an answer
    runs: that is how a FIN or RST is seen at once even when the engine is
    silent. What it reads ahead is bounded by ``lookahead`` bytes.
    """

    sock: socket.socket
    lookahead: int
    write_timeout: float
    min_read_rate: int = 1024
    buffer: bytearray = field(factory=bytearray, init=False)
    left_at: float | None = field(default=None, init=False)
    """When it was seen to leave, on trio's clock."""
    _arrived: trio.Event = field(factory=trio.Event, init=False)
    _taken: trio.Event = field(factory=trio.Event, init=False)
    _answering: trio.CancelScope | None = field(default=None, init=False)
    _consuming: bool = field(default=False, init=False)
    # The rest of a write that was cancelled: it must go before anything else can.
    _unsent: memoryview = field(default=memoryview(b""), init=False)

    async def watch(self) -> None:
        """Read until the client leaves; then cancel the answer in progress.

        Bytes that wait unread beyond the look-ahead while an answer runs end
        that answer too: with reading stopped, a client that left would go
        unnoticed.
        """
        while await self._room():
            await trio.lowlevel.wait_readable(self.sock)
            try:
                data = self.sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                break
            if not data:
                break
            self.buffer += data
            self._arrived.set()
        self._leave()
        self._arrived.set()
        if self._answering is not None:
            self._answering.cancel()

    async def _room(self) -> bool:
        """Wait until more may be read; say ``False`` to one who floods a running answer."""
        while len(self.buffer) > self.lookahead:
            self._taken = trio.Event()
            with trio.CancelScope() as scope:
                if self._answering is not None and not self._consuming:
                    scope.deadline = trio.current_time() + FLOOD_PATIENCE
                await self._taken.wait()
            if scope.cancelled_caught and self._answering is not None:
                return False
        return True

    def answering(self, scope: trio.CancelScope | None) -> None:
        """Name the scope to cancel when the client leaves; ``None`` when there is no answer."""
        self._answering = scope
        if scope is not None and self.gone:
            scope.cancel()

    @property
    def gone(self) -> bool:
        """Whether it has left."""
        return self.left_at is not None

    @contextmanager
    def consuming(self) -> Iterator[None]:
        """Mark that someone takes what comes: a full buffer then waits instead of ending."""
        self._consuming = True
        try:
            yield
        finally:
            self._consuming = False

    async def more(self, deadline: float) -> None:
        """Wait until the buffer has grown.

        Raises:
            ClientGone: it has left, and nothing more will come.
            ClientTooSlow: nothing came before ``deadline`` (trio's clock).

        """
        if self.gone:
            raise ClientGone
        self._arrived = trio.Event()
        if deadline == inf:
            await self._arrived.wait()
        else:
            await self._arrives_before(deadline)
        if self.gone and not self.buffer:
            raise ClientGone

    async def _arrives_before(self, deadline: float) -> None:
        with trio.CancelScope(deadline=deadline) as scope:
            await self._arrived.wait()
        if scope.cancelled_caught:
            raise ClientTooSlow

    async def some(self, size: int) -> bytes:
        """Return up to ``size`` bytes of what has come, or of what comes next.

        Raises as ``more`` does.
        """
        if not self.buffer:
            await self.more(inf)
        return self.take(size)

    def take(self, size: int) -> bytes:
        """Remove and return up to ``size`` bytes from the front of the buffer."""
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        self._taken.set()
        return data

    async def send(self, data: bytes) -> None:
        """Write all of ``data``.

        Raises:
            ClientGone: the connection is broken.
            ClientTooSlow: the client took nothing for ``write_timeout`` seconds,
                or less than ``min_read_rate`` bytes a second for longer than that.

        """
        if self._unsent:
            data, self._unsent = bytes(self._unsent) + data, memoryview(b"")
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            raise self._leave() from None
        if sent < len(data):
            await self._send_rest(memoryview(data)[sent:])

    @property
    def keeps_up(self) -> bool:
        """Whether all that was sent so far is on its way."""
        return not self._unsent

    def send_at_once(self, data: bytes) -> None:
        """Write what can be written now; the rest goes before whatever is sent next."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # whoever reads from it will see that too
        self._unsent = memoryview(data)[sent:]

    async def _send_rest(self, rest: memoryview) -> None:
        began, size = trio.current_time(), len(rest)
        try:
            while rest:
                earned = (size - len(rest)) / self.min_read_rate
                rest = rest[await self._send_some(rest, began + self.write_timeout + earned) :]
        finally:
            self._unsent = rest

    async def _send_some(self, data: memoryview, latest: float) -> int:
        latest = min(latest, trio.current_time() + self.write_timeout)
        with trio.CancelScope(deadline=latest) as scope:
            await trio.lowlevel.wait_writable(self.sock)
        if scope.cancelled_caught:
            reset_when_closed(self.sock)  # the system then drops what was not read
            raise ClientTooSlow
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            raise self._leave() from None

    def make_room_for_last_words(self) -> None:
        """Have the system hold more, so that what is said last fits behind what is not read yet."""
        with suppress(OSError):  # some systems refuse this once the client has left
            held = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, held + LAST_WORDS_BYTES)

    def _leave(self) -> ClientGone:
        """Note that it has left, whether reading or writing shows it first."""
        if self.left_at is None:
            self.left_at = trio.current_time()
        return ClientGone()

    def give_back(self, data: bytes) -> None:
        """Put back bytes that were taken but belong to the next request."""
        self.buffer[:0] = data

    async def hang_up(self, linger: float = 1.0) -> None:
        """End our side, then let the client read our last words before the socket closes.

        Closing with unread input sends a reset, which may destroy the answer
        on its way; so what still comes is thrown away for a moment.
        """
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return
        with trio.move_on_after(linger):
            while not self.gone:
                self.take(len(self.buffer))
                await self.more(trio.current_time() + linger)
