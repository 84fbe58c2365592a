"""A request's body, read under a size limit and a minimum rate."""

from __future__ import annotations

from collections.abc import AsyncIterator

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
    arrivals = _Arrivals(client, limits, holding, head.expects_continue)
    return await (_chunked(arrivals, limits) if head.chunked else _sized(arrivals, length))


async def body_pieces(
    client: Client, head: RequestHead, limits: LimitsConfig, holding: Holding
) -> AsyncIterator[bytes]:
    """Return a body of any length piece by piece; who takes one lets go of the one before.

    Raises as ``read_body`` does, but for the size.
    """
    arrivals = _Arrivals(client, limits, holding, head.expects_continue)
    if head.chunked:
        decoder = ChunkedDecoder()
        while not decoder.finished:
            try:
                piece = decoder.feed(await arrivals.take(CHUNKED_PIECE_BYTES))
            except FramingError:
                raise HeadError(400, BROKEN_CHUNKS) from None
            await trio.lowlevel.checkpoint()
            if piece:
                yield piece
            holding.release()
        client.give_back(decoder.leftover)
        return
    left = head.content_length or 0
    while left:
        piece = await arrivals.take(min(left, PIECE_BYTES))
        left -= len(piece)
        yield piece
        holding.release()


@define(eq=False)
class Rest:
    """What is still to come of a body; ``ended`` tells that nothing is."""

    _pieces: AsyncIterator[bytes]
    ended: bool = field(default=False, init=False)

    def __aiter__(self) -> Rest:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            self.ended = True
            raise


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


async def _sized(arrivals: _Arrivals, length: int) -> bytearray:
    body = bytearray()
    while len(body) < length:
        body += await arrivals.take(min(length - len(body), PIECE_BYTES))
    return body


async def _chunked(arrivals: _Arrivals, limits: LimitsConfig) -> bytearray:
    body, decoder = bytearray(), ChunkedDecoder()
    while not decoder.finished:
        try:
            body += decoder.feed(await arrivals.take(CHUNKED_PIECE_BYTES))
        except FramingError:
            raise HeadError(400, BROKEN_CHUNKS) from None
        await trio.lowlevel.checkpoint()
        if len(body) > limits.max_body_bytes:
            raise _too_large(limits)
    arrivals.client.give_back(decoder.leftover)
    return body


def _too_large(limits: LimitsConfig) -> HeadError:
    return HeadError(413, f"the body is larger than the limit of {limits.max_body_bytes} bytes")
