"""Our answer to one request, framed for the client that asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

import trio
from attrs import define, field

from llama_runner.http.client import Client

Headers = Sequence[tuple[bytes, bytes]]

RETRY_LATER = ((b"retry-after", b"2"),)
"""What goes with a refusal that says nothing about the request itself."""

_REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


@define(eq=False)
class Answer:
    """Writes one answer: whole, or in pieces of unknown number.

    ``stream`` only notes the head; it leaves with the first piece, in one
    write. ``interruption`` is the scope in which whoever answers works: it is
    cancelled when the client leaves, and when a stop can wait no longer, so that
    a proper last piece can still be sent after it; ``left_at`` tells which it was.
    """

    client: Client
    keeps_alive: bool
    chunked: bool
    extra_headers: Headers = ()
    omits_body: bool = False
    """Whether it answers a HEAD: the headers of a whole answer, and nothing behind them."""
    client_name: str = ""
    """The name of the client's API key, else its address."""
    interruption: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    started: bool = field(default=False, init=False)
    finished: bool = field(default=False, init=False)
    _pending: bytes = field(default=b"", init=False)

    @property
    def left_at(self) -> float | None:
        """When the client was seen to leave (trio's clock), if it did."""
        return self.client.left_at

    def say(self, name: bytes, value: bytes) -> None:
        """Send a header with the answer, of whatever kind it is; it must not have begun."""
        others = (pair for pair in self.extra_headers if pair[0] != name)
        self.extra_headers = (*others, (name, value))

    async def whole(
        self, status: int, content_type: str, body: bytes, headers: Headers = ()
    ) -> None:
        """Send status, headers and the whole body."""
        self.started = self.finished = True
        said = (*headers, *self.extra_headers)
        head = head_of_whole(status, content_type, len(body), said, keeps_alive=self.keeps_alive)
        await self.client.send(head if self.omits_body else head + body)

    def stream(self, status: int, content_type: str, headers: Headers = ()) -> None:
        """Begin an answer whose length is not known."""
        self.started = True
        if self.chunked:
            headers = ((b"transfer-encoding", b"chunked"), *headers)
        else:
            self.keeps_alive = False  # an HTTP/1.0 client sees the end by our closing
        said = (*headers, *self.extra_headers)
        self._pending = _head_of_stream(status, content_type, said, keeps_alive=self.keeps_alive)

    async def write(self, data: bytes) -> None:
        """Send a piece, and the head before the first."""
        await self.client.send(self._framed(data))

    def write_at_once(self, data: bytes) -> None:
        """Send a piece that no client misses: none to one that does not take what it has."""
        if self.client.keeps_up:
            self.client.send_at_once(self._framed(data))

    def _framed(self, data: bytes) -> bytes:
        frame = b"%x\r\n%b\r\n" % (len(data), data) if self.chunked and data else data
        if self._pending:
            frame, self._pending = self._pending + frame, b""
        return frame

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece and end the answer."""
        self.finished = True
        if not self.chunked:
            await self.write(data)
            return
        last = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        head, self._pending = self._pending, b""
        await self.client.send(head + last)


def head_of_whole(
    status: int, content_type: str, length: int, headers: Headers, *, keeps_alive: bool
) -> bytes:
    """Return the head of an answer whose body has ``length`` bytes."""
    if status != HTTPStatus.NO_CONTENT:  # which has no length (RFC 9110, 8.6)
        headers = [(b"content-length", b"%d" % length), *headers]
    return _head(status, content_type, headers, keeps_alive=keeps_alive)


def _head(status: int, content_type: str, headers: Headers, *, keeps_alive: bool) -> bytes:
    lines = [
        b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"")),
        b"content-type: " + content_type.encode("latin-1"),
    ]
    lines += [b"%b: %b" % pair for pair in headers]
    if not keeps_alive:
        lines.append(b"connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n"


# Streams begin in the same few ways; whole answers differ in their length.
_head_of_stream = lru_cache(64)(_head)
