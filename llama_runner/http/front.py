"""Serves one client connection, from its first byte to its last.

The head of every request is read, checked and routed here. A relay route is
answered on the spot; everything else goes to the application. The connection
itself stays ours either way, so one place holds all limits and all rules of
who may enter, and nothing behind it can keep the tree from ending.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from math import inf

import trio
from attrs import define, field, frozen

from llama_runner.concurrency.stop import Stop
from llama_runner.config.app import LimitsConfig
from llama_runner.http.access import Access, is_preflight, preflight_headers
from llama_runner.http.answer import Answer
from llama_runner.http.application import Address, Application
from llama_runner.http.body import body_pieces, read_body
from llama_runner.http.client import Client, ClientGone, ClientTooSlow
from llama_runner.wire.request_head import HEAD_END, HeadError, RequestHead, parse_request_head

logger = logging.getLogger(__name__)

JSON = "application/json"
RelayHandler = Callable[[bytes, Answer], Awaitable[None]]
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
    _idle: set[trio.CancelScope] = field(factory=set, init=False)
    _answers: set[Answer] = field(factory=set, init=False)
    _open: int = field(default=0, init=False)
    _emptied: trio.Event = field(factory=trio.Event, init=False)

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

    def hang_up_idle(self) -> None:
        """End the connections on which no request is being answered."""
        for scope in self._idle:
            scope.cancel()

    def interrupt(self) -> None:
        """Cancel the answers in progress, which may then say one last thing."""
        for answer in self._answers:
            answer.interruption.cancel()

    async def _serve(self, sock: socket.socket) -> None:
        limits = self._site.limits
        client = Client(sock, limits.lookahead_bytes, limits.write_timeout)
        try:
            addresses = _address(sock.getpeername()), _address(sock.getsockname())
        except OSError:
            return  # it left before we looked
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.watch)
            await self._converse(client, addresses)
            nursery.cancel_scope.cancel()

    async def _converse(self, client: Client, addresses: tuple[Address, Address]) -> None:
        exchange = _Conversation(self._site, client, addresses, self._answers)
        try:
            while await self._next(client):
                if not await exchange.answer_one():
                    await client.hang_up()
                    return
        except (ClientGone, ClientTooSlow):
            return  # which is its right; whatever it had borrowed is back by now

    async def _next(self, client: Client) -> bool:
        """Wait for the first byte of a request; say whether one came."""
        if self._stop.requested.is_set():
            return False
        if client.buffer:
            return True
        scope = trio.CancelScope(deadline=trio.current_time() + self._site.limits.idle_timeout)
        self._idle.add(scope)
        try:
            with scope:
                await client.more(inf)
                return True
            return False
        finally:
            self._idle.discard(scope)


@define(eq=False)
class _Conversation:
    """One connection's requests, one after the other."""

    site: Site
    client: Client
    addresses: tuple[Address, Address]
    answers: set[Answer]

    async def answer_one(self) -> bool:
        """Read and answer one request; say whether another may follow."""
        try:
            head = parse_request_head(await self._read_head())
        except HeadError as error:
            return await self._refuse(error.status, str(error))
        denial = self.site.access.check(head, self.addresses[1][0])
        if denial is not None:
            return await self._refuse(denial.status, str(denial.message), denial.code)
        extra = self.site.access.cross_origin_headers(head)
        answer = Answer(self.client, head.keeps_alive, head.version == b"1.1", extra)
        if is_preflight(head) and extra:
            await answer.whole(204, JSON, b"", preflight_headers(head))
            return answer.keeps_alive
        self.answers.add(answer)
        try:
            return await self._route(head, answer)
        except HeadError as error:
            return await self._refuse(error.status, str(error))
        finally:
            self.answers.discard(answer)
            self.client.answering(None)

    async def _route(self, head: RequestHead, answer: Answer) -> bool:
        relay = self.site.relay_routes.get((head.method, head.path))
        if relay is None:
            return await self._apply(head, answer)
        body = await read_body(self.client, head, self.site.limits)
        with trio.CancelScope() as scope:
            self.client.answering(scope)
            await self._relay(partial(relay, body, answer), answer)
        if scope.cancelled_caught:
            raise ClientGone
        return answer.keeps_alive and answer.finished

    async def _relay(self, relay: Callable[[], Awaitable[None]], answer: Answer) -> None:
        try:
            await relay()
        except (ClientGone, ClientTooSlow):
            raise
        except Exception:  # the fault boundary of a connection
            logger.exception("a relayed request failed")
            if not answer.started:
                body = self.site.refusal(500, "internal error; the log has the details", None)
                await answer.whole(500, JSON, body)

    async def _apply(self, head: RequestHead, answer: Answer) -> bool:
        client, limits = self.client, self.site.limits
        websocket = head.wants_websocket
        incoming = self._everything() if websocket else body_pieces(client, head, limits)
        reusable = False
        with answer.interruption, trio.CancelScope() as scope:
            client.answering(scope)
            reusable = await self.site.application.serve(
                client, self.addresses, head, incoming, answer.extra_headers
            )
        return reusable

    async def _everything(self) -> AsyncGenerator[bytes, None]:
        """Yield all that the client sends, whatever it is."""
        while True:
            if not self.client.buffer:
                await self.client.more(inf)
            yield self.client.take(len(self.client.buffer))

    async def _read_head(self) -> bytes:
        client, limits = self.client, self.site.limits
        deadline = trio.current_time() + limits.head_timeout
        while client.buffer.startswith(b"\r\n"):
            client.take(2)  # RFC 9112, 2.2: a client may send an empty line too many
        while (end := client.buffer.find(HEAD_END)) < 0:
            if len(client.buffer) > limits.max_head_bytes:
                break
            if client.buffer.count(b"\n") != client.buffer.count(b"\r\n"):
                return bytes(client.buffer)  # a bare LF: the parser says what is wrong with it
            try:
                await client.more(deadline)
            except ClientTooSlow:
                message = f"the head was not complete within {limits.head_timeout:g} s"
                raise HeadError(408, message) from None
        if not 0 <= end <= limits.max_head_bytes:
            message = f"the head is larger than the limit of {limits.max_head_bytes} bytes"
            raise HeadError(431, message)
        return client.take(end + len(HEAD_END))

    async def _refuse(self, status: int, message: str, code: str | None = None) -> bool:
        """Answer with an error and give the connection up: its input is not to be trusted."""
        answer = Answer(self.client, keeps_alive=False, chunked=False)
        await answer.whole(status, JSON, self.site.refusal(status, message, code))
        return False


def _address(name: tuple[str, int]) -> Address:
    return name[0], name[1]
