"""A request's body, read under a size limit and a minimum rate."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import trio

from llama_runner.config.app import LimitsConfig
from llama_runner.http.client import Client, ClientTooSlow
from llama_runner.wire.chunked import ChunkedDecoder
from llama_runner.wire.framing import FramingError
from llama_runner.wire.request_head import HeadError, RequestHead

PIECE_BYTES = 262144
RATE_GRACE = 10.0
"""Seconds that any body may take, however small, before its rate counts."""


async def read_body(client: Client, head: RequestHead, limits: LimitsConfig) -> bytes:
    """Return the whole body.

    Raises:
        HeadError: 408 too slow, 413 too large, 400 badly framed.
        ClientGone: the client left before the body was complete.

    """
    length = head.content_length
    if not head.chunked and length is not None and len(client.buffer) >= length:
        check_length(head, limits)
        return client.take(length)  # the usual case: it came along with the head
    if head.expects_continue and not client.buffer:
        await client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    with client.consuming():
        async with aclosing(body_pieces(client, head, limits)) as pieces:
            return b"".join([piece async for piece in pieces])


def body_pieces(
    client: Client, head: RequestHead, limits: LimitsConfig
) -> AsyncGenerator[bytes, None]:
    """Yield the body's payload as it comes; raises as ``read_body`` does.

    Whoever loops does so inside ``client.consuming()``.
    """
    check_length(head, limits)
    pace = _Pace(limits)
    return _chunked(client, limits, pace) if head.chunked else _sized(client, head, pace)


def check_length(head: RequestHead, limits: LimitsConfig) -> None:
    """Refuse an announced length beyond the limit before a byte of it is read."""
    if (head.content_length or 0) > limits.max_body_bytes:
        raise _too_large(limits)


async def _sized(client: Client, head: RequestHead, pace: _Pace) -> AsyncGenerator[bytes, None]:
    missing = head.content_length or 0
    while missing:
        if not client.buffer:
            await pace.more(client)
        piece = client.take(min(missing, PIECE_BYTES))
        missing -= len(piece)
        pace.received += len(piece)
        if piece:
            yield piece


async def _chunked(
    client: Client, limits: LimitsConfig, pace: _Pace
) -> AsyncGenerator[bytes, None]:
    decoder = ChunkedDecoder()
    while not decoder.finished:
        if not client.buffer:
            await pace.more(client)
        try:
            piece = decoder.feed(client.take(PIECE_BYTES))
        except FramingError as error:
            raise HeadError(400, f"the chunked body is broken: {error}") from None
        pace.received += len(piece)
        if pace.received > limits.max_body_bytes:
            raise _too_large(limits)
        if piece:
            yield piece
    client.give_back(decoder.leftover)


class _Pace:
    """The minimum rate: bytes a second since the body began, after a grace."""

    def __init__(self, limits: LimitsConfig) -> None:
        self.received = 0
        self._began = trio.current_time()
        self._rate = limits.min_body_rate

    async def more(self, client: Client) -> None:
        """Wait for bytes, no longer than the rate allows."""
        allowed = RATE_GRACE + self.received / self._rate
        try:
            await client.more(self._began + allowed)
        except ClientTooSlow:
            message = f"the body came slower than {self._rate} bytes a second"
            raise HeadError(408, message) from None


def _too_large(limits: LimitsConfig) -> HeadError:
    return HeadError(413, f"the body is larger than the limit of {limits.max_body_bytes} bytes")
