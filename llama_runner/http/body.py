"""A request's body, read under a size limit and a minimum rate."""

from __future__ import annotations

import trio
from attrs import define, field

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.body_room import Holding
from llama_runner.http.client import Client, ClientTooSlow
from llama_runner.wire.chunked import ChunkedDecoder
from llama_runner.wire.body import Body
from llama_runner.wire.framing import FramingError
from llama_runner.wire.request_head import HeadError, RequestHead

PIECE_BYTES = 262144
CHUNKED_PIECE_BYTES = 16384
"""Less, because chunks can be of one byte, and thousands of them take milliseconds."""
RATE_GRACE = 10.0
"""Seconds that any body may take, however small, before its rate counts."""

BROKEN_CHUNKS = (
    "the chunked body is broken; expected sizes of 1 to 8 hex digits, "
    "neither extensions nor trailers, and lines that end in CRLF"
)


async def read_body(
    client: Client, head: RequestHead, limits: LimitsConfig, holding: Holding
) -> Body:
    """Return the whole body; unless it came along with the head, ``holding`` counts it.

    Nothing that is behind the front sees a request before its body is complete,
    so none of it ever has to deal with one that is late, too large or broken.

    Raises:
        HeadError: 408 too slow, 413 too large, 400 badly framed, 503 no room.
        ClientGone: the client left before the body was complete.

    """
    length = head.content_length or 0
    if length > limits.max_body_bytes:
        raise _too_large(limits)  # before a byte of it is read, or asked for
    if len(client.buffer) >= length and not head.chunked:
        return client.take(length)  # the usual case: it came along with the head
    pieces, body = BodyPieces.of(client, head, limits, holding), bytearray()
    while not pieces.ended:
        body += await pieces.more()
        if len(body) > limits.max_body_bytes:
            raise _too_large(limits)
    return body


@define(eq=False)
class BodyPieces:
    """A body of any length, piece by piece; who takes one lets go of the one before.

    Raises as ``read_body`` does, but for the size. ``ended`` tells that nothing is to come.
    """

    _arrivals: _Arrivals
    _left: int
    _decoder: ChunkedDecoder | None

    @classmethod
    def of(
        cls, client: Client, head: RequestHead, limits: LimitsConfig, holding: Holding
    ) -> BodyPieces:
        """Return the body of a request whose head was read."""
        arrivals = _Arrivals(client, limits, holding, head.expects_continue)
        return cls(arrivals, head.content_length or 0, ChunkedDecoder() if head.chunked else None)

    @property
    def ended(self) -> bool:
        """Whether all of it was taken."""
        return self._decoder.finished if self._decoder else not self._left

    def __aiter__(self) -> BodyPieces:
        return self

    async def __anext__(self) -> bytes:
        self._arrivals.holding.release()
        if self.ended:
            raise StopAsyncIteration
        return await self.more()

    async def more(self) -> bytes:
        """Return what comes next, which may be nothing of a chunked body; keep what was taken."""
        if self._decoder is None:
            piece = await self._arrivals.take(min(self._left, PIECE_BYTES))
            self._left -= len(piece)
            return piece
        try:
            piece = self._decoder.feed(await self._arrivals.take(CHUNKED_PIECE_BYTES))
        except FramingError:
            raise HeadError(400, BROKEN_CHUNKS) from None
        await trio.lowlevel.checkpoint()
        if self._decoder.finished:
            self._arrivals.client.give_back(self._decoder.leftover)
        return piece


@define(eq=False)
class _Arrivals:
    """The bytes of one body as they come, no slower than the limits allow."""

    client: Client
    limits: LimitsConfig
    holding: Holding
    # Whether the client still waits to be told that its body is wanted.
    awaited: bool
    received: int = field(default=0, init=False)
    began: float = field(factory=trio.current_time, init=False)

    async def take(self, size: int) -> bytes:
        """Return between one and ``size`` bytes."""
        while not self.client.buffer:
            await self._wait()
        piece = self.client.take(size)
        self.received += len(piece)
        self.holding.grow(len(piece))
        return piece

    async def _wait(self) -> None:
        if self.awaited and not self.received:
            self.awaited = False
            await self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        rate = self.limits.min_body_rate
        try:
            await self.client.more(self.began + RATE_GRACE + self.received / rate)
        except ClientTooSlow:
            raise HeadError(408, f"the body came slower than {rate} bytes a second") from None


def _too_large(limits: LimitsConfig) -> HeadError:
    return HeadError(413, f"the body is larger than the limit of {limits.max_body_bytes} bytes")
