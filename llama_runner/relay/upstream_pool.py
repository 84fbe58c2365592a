"""Non-blocking connections to one upstream, lent for one exchange each."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence

import trio
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.platforms.resetting import reset_when_closed

# The engine closes a connection after 5 idle seconds or 100 requests; ours end
# earlier, so that we are not the ones to find out.
IDLE_LIMIT = 4.0
USE_LIMIT = 90
# Nobody closes a connection so soon after its last answer; to look costs as much as to send.
SURELY_OPEN = 0.1
RECEIVE_BYTES = 65536


Connect = Callable[[str, int], Awaitable[socket.socket]]
"""(host, port) → a connected, non-blocking socket, or OSError."""


async def connect_tcp(host: str, port: int) -> socket.socket:
    """Connect over the loopback interface."""
    sock = trio.socket.socket()
    try:
        await sock.connect((host, port))
    except BaseException:
        sock.close()
        raise
    plain = socket.socket(fileno=sock.detach())
    plain.setblocking(False)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


@define(eq=False)
class UpstreamConnection:
    """One connection; ``reused`` until a byte of this exchange's answer came."""

    sock: socket.socket
    uses: int = 0
    idle_since: float = 0.0

    @property
    def reused(self) -> bool:
        """Whether it served an earlier exchange, and so may be stale."""
        return self.uses > 1

    async def send(self, data: bytes | memoryview) -> None:
        """Write all of ``data``; raise OSError when the connection is broken."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        rest = memoryview(data)[sent:]
        while rest:
            await trio.lowlevel.wait_writable(self.sock)
            try:
                rest = rest[self.sock.send(rest) :]
            except BlockingIOError:
                continue

    async def receive(self) -> bytes:
        """Return what came, or nothing at the end; cancelling it loses no byte."""
        while True:
            await trio.lowlevel.wait_readable(self.sock)
            try:
                return self.sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue

    def is_fresh(self, now: float) -> bool:
        """Whether it can be used again: young, little used, silent and open."""
        idle = now - self.idle_since
        if idle > IDLE_LIMIT or self.uses >= USE_LIMIT:
            return False
        if idle < SURELY_OPEN:
            return True
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False  # it was closed, or says something that nobody asked

    def close(self) -> None:
        """Close it, waking whoever waits on it."""
        if self.sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self.sock)
            self.sock.close()

    def abort(self) -> None:
        """Reset it: what the engine writes next fails, where after a close it succeeds once."""
        if self.sock.fileno() >= 0:
            reset_when_closed(self.sock)
        self.close()


@define(eq=False)
class UpstreamPool:
    """Connections to ``host:port``; closing the pool hangs up all of them."""

    host: str
    port: int
    api_key: str = field(repr=False)
    _connect: Connect = connect_tcp
    received: int = field(default=0, init=False)
    """How many pieces of answers have come."""
    _idle: list[UpstreamConnection] = field(factory=list, init=False)
    _lent: set[UpstreamConnection] = field(factory=set, init=False)
    _closed: bool = field(default=False, init=False)
    _heads: dict[str, bytes] = field(factory=dict, init=False, repr=False)

    def request(
        self, path: str, body: Sequence[bytes | memoryview]
    ) -> Sequence[bytes | memoryview]:
        """Return a whole request in pieces: the headers are ours, none is the client's own."""
        head = self._heads.get(path)
        if head is None:
            head = self._heads[path] = self._head(path)
        first, *others = body
        size = len(first) + sum(map(len, others)) if others else len(first)
        return (b"%b%d\r\n\r\n%b" % (head, size, bytes(first)), *others)

    def _head(self, path: str) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\n"
            f"host: {self.host}:{self.port}\r\n"
            "content-type: application/json\r\n"
            f"authorization: Bearer {self.api_key}\r\n"
            "content-length: "
        )
        return head.encode("ascii")

    async def acquire(self) -> UpstreamConnection:
        """Lend a connection; raise RunnerLost if there is nobody to connect to."""
        if self._closed:
            raise RunnerLost("the model was stopped")
        connection = self._take_idle() or await self._open()
        connection.uses += 1
        self._lent.add(connection)
        return connection

    def release(self, connection: UpstreamConnection) -> None:
        """Take back a connection whose exchange is complete."""
        self._lent.discard(connection)
        if self._closed:
            connection.close()
            return
        connection.idle_since = trio.current_time()
        self._idle.append(connection)

    def discard(self, connection: UpstreamConnection) -> None:
        """Reset a connection whose exchange was broken off."""
        self._lent.discard(connection)
        connection.abort()

    def close(self) -> None:
        """Hang up every connection, lent ones too; nothing is lent any more."""
        self._closed = True
        for connection in [*self._idle, *self._lent]:
            connection.close()
        self._idle.clear()
        self._lent.clear()

    def _take_idle(self) -> UpstreamConnection | None:
        now = trio.current_time()
        while self._idle:
            connection = self._idle.pop()  # the one used last is the likeliest to be open
            if connection.is_fresh(now):
                return connection
            connection.close()
        return None

    async def _open(self) -> UpstreamConnection:
        try:
            return UpstreamConnection(await self._connect(self.host, self.port))
        except OSError as error:
            raise RunnerLost(f"the model's process cannot be reached: {error}") from error
