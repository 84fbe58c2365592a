"""The connections of one listener, each served from its first byte to its last."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import trio
from attrs import define, field

from llama_runner.concurrency.stop import Stop
from llama_runner.http.answer import Answer
from llama_runner.http.application import Address
from llama_runner.http.client import Client, ClientGone, ClientTooSlow
from llama_runner.http.connection import Connection
from llama_runner.http.expendable import Expendable
from llama_runner.http.head import skip_empty_lines
from llama_runner.http.shares import Shares
from llama_runner.http.site import Site


@asynccontextmanager
async def open_front(site: Site, stop: Stop) -> AsyncIterator[Front]:
    """Serve connections while the block lasts.

    One task hangs up all that idle for too long: a deadline of its own costs each
    request more than the head that it guards.
    """
    async with trio.open_nursery() as nursery:
        front = Front(site, stop)
        nursery.start_soon(front.end_idle)
        yield front
        nursery.cancel_scope.cancel()


@define(eq=False)
class Front:
    """The connections of one listener."""

    _site: Site
    _stop: Stop
    _shares: Shares = field(init=False)
    _expendable: Expendable = field(factory=Expendable, init=False)
    _answers: set[Answer] = field(factory=set, init=False)
    _open: int = field(default=0, init=False)
    _emptied: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._shares = Shares.within(self._site.limits)

    async def serve(self, sock: socket.socket) -> None:
        """Serve one accepted connection and close it."""
        self._open += 1
        try:
            with sock:
                await self._serve(sock)
        finally:
            self._open -= 1
            self._emptied.set()

    async def finished(self) -> None:
        """Wait until no connection is left."""
        while self._open:
            self._emptied = trio.Event()
            await self._emptied.wait()

    async def end_idle(self) -> None:
        """Hang up, for as long as this runs, the connections that idle for too long."""
        timeout, idle = self._site.limits.idle_timeout, self._expendable.idle
        while True:
            now = trio.current_time()
            for scope in [scope for scope, since in idle.items() if since + timeout <= now]:
                del idle[scope]
                scope.cancel()
            await trio.sleep_until(next(iter(idle.values()), now) + timeout)

    def hang_up_idle(self) -> None:
        """End the connections that wait for a request."""
        for scope in self._expendable.idle:
            scope.cancel()

    def make_room(self, count: int = 1) -> int:
        """End so many connections on which nothing is answered; return how many there were."""
        return self._expendable.end(count)

    def interrupt(self) -> None:
        """Cancel the answers in progress, which may then say one last thing."""
        for answer in self._answers:
            answer.client.make_room_for_last_words()
            answer.interruption.cancel()

    async def _serve(self, sock: socket.socket) -> None:
        limits = self._site.limits
        # Never less than a head may have, or reading would stop before its end.
        lookahead = max(limits.lookahead_bytes, limits.max_head_bytes)
        client = Client(sock, lookahead, limits.write_timeout, limits.min_read_rate)
        try:
            addresses = _address(sock.getpeername()), _address(sock.getsockname())
        except OSError:
            return  # it left before we looked
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.watch)
            await self._answer_all(client, addresses, nursery.cancel_scope)
            nursery.cancel_scope.cancel()

    async def _answer_all(
        self, client: Client, addresses: tuple[Address, Address], scope: trio.CancelScope
    ) -> None:
        connection = Connection(self._site, self._shares, client, addresses, self._answers)
        beginning = self._expendable.beginning
        try:
            while await self._next(client, scope):
                beginning[scope] = None
                head = await connection.head()
                beginning.pop(scope, None)
                if head is None or not await connection.answer(head):
                    self._expendable.leaving[scope] = None
                    await client.hang_up()
                    return
        except (ClientGone, ClientTooSlow):
            return  # which is its right; whatever it had borrowed is back by now
        finally:
            beginning.pop(scope, None)
            self._expendable.leaving.pop(scope, None)

    async def _next(self, client: Client, scope: trio.CancelScope) -> bool:
        """Wait for the first byte of a request; say whether there may be one.

        Whoever idles for too long, or while we stop, is cut off as a whole.
        """
        if self._stop.requested.is_set():
            return False
        self._expendable.idle[scope] = trio.current_time()
        try:
            skip_empty_lines(client)
            if client.buffer:
                # It pipelines, and may have sent thousands: others have their turn between.
                await trio.lowlevel.checkpoint()
            while not client.buffer:
                await client.more(inf)
                skip_empty_lines(client)
            return True
        finally:
            self._expendable.idle.pop(scope, None)


def _address(name: tuple[str, int]) -> Address:
    return name[0], name[1]
