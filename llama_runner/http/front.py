"""Serves one client connection, from its first byte to its last.

The head of every request is read, checked and routed here. A relay route is
answered on the spot; everything else goes to the application. The connection
itself stays ours either way, so one place holds all limits and all rules of
who may enter, and nothing behind it can keep the tree from ending.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from math import inf

import trio
from attrs import define, field, frozen

from llama_runner.concurrency.stop import Stop
from llama_runner.config.limits import LimitsConfig
from llama_runner.http.access import Access, is_preflight, preflight_headers
from llama_runner.http.answer import RETRY_LATER, Answer
from llama_runner.http.application import Address, Application
from llama_runner.http.body import read_body
from llama_runner.http.body_room import Holding
from llama_runner.http.client import Client, ClientGone, ClientTooSlow
from llama_runner.http.expendable import Expendable
from llama_runner.http.head import read_head, skip_empty_lines
from llama_runner.http.network import network_of
from llama_runner.http.shares import EVERYBODY, Shares
from llama_runner.wire.handshake import check_handshake
from llama_runner.wire.body import Body
from llama_runner.wire.request_head import HeadError, Headers, RequestHead

logger = logging.getLogger(__name__)

JSON = "application/json"
RATE_LIMIT = "rate_limit_exceeded"
RelayHandler = Callable[[Body, Answer], Awaitable[None]]
Refusal = Callable[[int, str, str | None], bytes]
"""(status, message, code) → the JSON body that says so in the listener's dialect."""


@frozen
class Site:
    """What one listener serves, and by which rules."""

    application: Application
    relay_routes: Mapping[tuple[str, str], RelayHandler]
    access: Access
    limits: LimitsConfig
    refusal: Refusal


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
        """Hang up, for as long as this runs, the connections that idle for too long.

        One task for all of them: a deadline of its own costs each request more than
        the head that it guards.
        """
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
            await self._converse(client, addresses, nursery.cancel_scope)
            nursery.cancel_scope.cancel()

    async def _converse(
        self, client: Client, addresses: tuple[Address, Address], connection: trio.CancelScope
    ) -> None:
        exchange = _Conversation(self._site, self._shares, client, addresses, self._answers)
        beginning = self._expendable.beginning
        try:
            while await self._next(client, connection):
                beginning[connection] = None
                head = await exchange.head()
                beginning.pop(connection, None)
                if head is None or not await exchange.answer(head):
                    self._expendable.leaving[connection] = None
                    await client.hang_up()
                    return
        except (ClientGone, ClientTooSlow):
            return  # which is its right; whatever it had borrowed is back by now
        finally:
            beginning.pop(connection, None)
            self._expendable.leaving.pop(connection, None)

    async def _next(self, client: Client, connection: trio.CancelScope) -> bool:
        """Wait for the first byte of a request; say whether there may be one.

        Whoever idles for too long, or while we stop, is cut off as a whole.
        """
        if self._stop.requested.is_set():
            return False
        self._expendable.idle[connection] = trio.current_time()
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
            self._expendable.idle.pop(connection, None)


@define(eq=False)
class _Conversation:
    """One connection's requests, one after the other."""

    site: Site
    shares: Shares
    client: Client
    addresses: tuple[Address, Address]
    answers: set[Answer]
    holding: Holding = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.holding = self.shares.bodies.holding()

    async def head(self) -> RequestHead | None:
        """Read the head of the next request; refuse it and return ``None`` if it is none."""
        try:
            return await read_head(self.client, self.site.limits)
        except HeadError as error:
            await self._refuse(None, error.status, str(error))
            return None

    async def answer(self, head: RequestHead) -> bool:
        """Read the rest of a request and answer it; say whether another may follow."""
        denial = self.site.access.check(head, self.addresses[1][0])
        if denial is not None:
            given = denial.status, denial.message, denial.code, denial.headers
            return await self._refuse(head, *given)
        # None for a program of this machine that needs no key: it cannot be told from others.
        key, address = self.site.access.key_of(head), self.addresses[0][0]
        who = key or network_of(address)
        name = self.site.access.name_of(key, who or address)
        if who is None:
            return await self._answer(head, name)
        if not self.shares.requests.add(who):
            most = f"{self.site.limits.max_requests_per_client} requests"
            message = f"expected at most {most} of one client at the same time; try again later"
            return await self._refuse(head, 429, message, RATE_LIMIT, RETRY_LATER)
        try:
            return await self._answer(head, name)
        finally:
            self.shares.requests.remove(who)

    async def _answer(self, head: RequestHead, name: str) -> bool:
        extra = self.site.access.cross_origin_headers(head)
        answer = Answer(
            self.client, head.keeps_alive, head.version == b"1.1", extra, client_name=name
        )
        if is_preflight(head) and extra:
            answer.keeps_alive = answer.keeps_alive and not head.has_body
            await answer.whole(204, JSON, b"", preflight_headers(head))
            return answer.keeps_alive
        self.answers.add(answer)
        try:
            return await self._route(head, answer)
        except HeadError as error:
            return await self._refuse(head, error.status, str(error), headers=error.headers)
        finally:
            self.holding.release()
            self.answers.discard(answer)
            self.client.answering(None)

    async def _route(self, head: RequestHead, answer: Answer) -> bool:
        # As Quart does with the routes that are its own, a slash at the end is passed over.
        relay = self.site.relay_routes.get((head.method, head.path.removesuffix("/")))
        if head.wants_websocket:
            check_handshake(head)
        body = await read_body(self.client, head, self.site.limits, self.holding)
        work = partial(relay, body, answer) if relay else partial(self._apply, head, body, answer)
        try:
            self.client.answering(answer.interruption)
            await work()
        except (ClientGone, ClientTooSlow):
            raise
        except Exception:  # the fault boundary of a connection
            logger.exception("%s %s failed", head.method, head.path)
            if not answer.started:
                await self._refuse(head, 500, "internal error; the log has the details")
            return False
        if self.client.gone:
            raise ClientGone
        return answer.keeps_alive and answer.finished

    async def _apply(self, head: RequestHead, body: Body, answer: Answer) -> None:
        if not head.wants_websocket:
            await self._apply_within(head, body, answer)
        elif self.shares.websockets.add(EVERYBODY):
            try:
                await self._apply_within(head, body, answer)
            finally:
                self.shares.websockets.remove(EVERYBODY)
        else:
            message = "too many websockets are open; try again later"
            await self._refuse(head, 503, message, "too_many_websockets", RETRY_LATER)

    async def _apply_within(self, head: RequestHead, body: Body, answer: Answer) -> None:
        with answer.interruption:
            await self.site.application.serve(answer, self.addresses, head, body)
        if answer.interruption.cancelled_caught and not (answer.started or self.client.gone):
            await self._refuse(head, 503, "the program is stopping", "shutting_down")

    async def _refuse(
        self,
        head: RequestHead | None,
        status: int,
        message: str,
        code: str | None = None,
        headers: Headers = (),
    ) -> bool:
        """Answer with an error and give the connection up: its input is not to be trusted."""
        body = self.site.refusal(status, message, code)
        extra = () if head is None else self.site.access.cross_origin_headers(head)
        answer = Answer(self.client, keeps_alive=False, chunked=False, extra_headers=extra)
        answer.omits_body = head is not None and head.method == "HEAD"
        await answer.whole(status, JSON, body, headers)
        return False


def _address(name: tuple[str, int]) -> Address:
    return name[0], name[1]
