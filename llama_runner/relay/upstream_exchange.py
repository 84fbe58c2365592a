"""One request to an upstream and its answer, read piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

import trio
from attrs import define, field

from llama_runner.errors import AnswerTooLarge, RunnerLost
from llama_runner.relay.upstream_pool import UpstreamConnection, UpstreamPool
from llama_runner.wire.chunked import ChunkedDecoder
from llama_runner.wire.framing import FramingError
from llama_runner.wire.response_head import ResponseHead, split_response_head

_BROKEN = (OSError, trio.ClosedResourceError)


def refuse_beyond(most: int, taken: int) -> None:
    """Raise AnswerTooLarge if more than ``most`` bytes were ``taken`` of an answer."""
    if taken > most:
        message = f"the answer is larger than the {most} bytes that are held of one"
        raise AnswerTooLarge(f"{message}; ask for a stream, or for less at once")


@define(eq=False)
class UpstreamExchange:
    """Sends ``request`` and reads its answer; closing it early resets the connection at once.

    A connection that was used before may have been closed by the other side
    just now: if it breaks before a byte came back, the request goes out once
    more on a new one.
    """

    _pool: UpstreamPool
    _request: Sequence[bytes | memoryview]
    finished: bool = field(default=False, init=False)
    _connection: UpstreamConnection | None = field(default=None, init=False)
    _received: bytes = field(default=b"", init=False)
    _head: ResponseHead | None = field(default=None, init=False)
    _decoder: ChunkedDecoder | None = field(default=None, init=False)
    _missing: int | None = field(default=None, init=False)
    # What came behind the answer's end: the connection cannot be trusted with another.
    _excess: bytes = field(default=b"", init=False)

    async def begin(self) -> None:
        """Send the request.

        Raises:
            RunnerLost: there is nobody who takes it.

        """
        connection = self._connection = await self._pool.acquire()
        try:
            for piece in self._request:
                await connection.send(piece)
        except _BROKEN as error:
            await self._again(connection, error)

    def close(self) -> None:
        """Let the connection serve another exchange, or reset it if this one is not complete."""
        if self._connection is None:
            return
        if self._head is not None and self.finished and not (self._head.close or self._excess):
            self._pool.release(self._connection)
        else:
            self._pool.discard(self._connection)

    async def head(self) -> int:
        """Wait for the answer's head; return its status."""
        while self._head is None:
            data = await self._receive_first() if not self._received else await self._receive()
            self._received += data
            self._take_head()
        return self._head.status

    @property
    def status(self) -> int:
        """The status of the head that has come."""
        assert self._head is not None
        return self._head.status

    async def payload(self) -> bytes:
        """Return the next piece of the body, which may be empty; ``finished`` tells the end."""
        if self.finished:
            return b""
        data = self._received or await self._receive()
        self._received = b""
        if self._decoder is None:
            return self._take_plain(data)
        try:
            piece = self._decoder.feed(data)
        except FramingError as error:
            raise RunnerLost(f"the model's process broke off its answer: {error}") from error
        if self._decoder.finished:
            self.finished, self._excess = True, self._decoder.leftover
        return piece

    async def body(self, most: int) -> bytes:
        """Return all that is left of the body.

        Raises:
            AnswerTooLarge: it has more than ``most`` bytes.
        """
        body = bytearray()
        while not self.finished:
            body += await self.payload()
            refuse_beyond(most, len(body))
        return bytes(body)

    async def _again(self, connection: UpstreamConnection, cause: BaseException) -> None:
        """Send once more on a new connection, if the old one was a reused one."""
        self._pool.discard(connection)
        if not connection.reused:
            raise RunnerLost("the model's process hung up") from cause
        await self.begin()

    async def _receive_first(self) -> bytes:
        while True:
            connection = self._begun()
            cause: BaseException = EOFError()
            try:
                if data := await connection.receive():
                    return data
            except _BROKEN as error:
                cause = error
            await self._again(connection, cause)

    async def _receive(self) -> bytes:
        assert self._connection is not None
        try:
            data = await self._connection.receive()
        except _BROKEN as error:
            raise RunnerLost(f"the connection to the model's process broke: {error}") from error
        if not data and self._missing is None and self._head is not None and not self._decoder:
            self.finished = True  # a body that lasts until the connection closes
        elif not data:
            raise RunnerLost("the model's process ended before its answer did")
        self._pool.received += 1
        return data

    def _begun(self) -> UpstreamConnection:
        assert self._connection is not None
        return self._connection

    def _take_head(self) -> None:
        try:
            split = split_response_head(self._received)
        except FramingError as error:
            raise RunnerLost(f"the model's process sent no HTTP answer: {error}") from error
        if split is None:
            return
        self._head, self._received = split
        self._request = ()  # it is not sent again from here on, and may hold images
        self._missing = self._head.content_length
        if self._head.chunked:
            self._decoder = ChunkedDecoder()
        if self._missing == 0:
            self.finished, self._excess = True, self._received

    def _take_plain(self, data: bytes) -> bytes:
        if self._missing is None:
            return data
        piece, self._excess = data[: self._missing], data[self._missing :]
        self._missing -= len(piece)
        self.finished = self._missing == 0
        return piece
