"""One connection's requests, each read, checked, routed and answered.

A relay route is answered on the spot; everything else goes to the application. The
connection itself stays ours either way, so one place holds all limits and all rules of
who may enter, and nothing behind it can keep the tree from ending.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from attrs import define, field

from llama_runner.http.access import is_preflight, preflight_headers
from llama_runner.http.answer import RETRY_LATER, Answer
from llama_runner.http.application import Address
from llama_runner.http.body import BodyPieces, read_body
from llama_runner.http.body_room import Holding
from llama_runner.http.client import Client, ClientGone, ClientTooSlow
from llama_runner.http.head import read_head
from llama_runner.http.network import network_of
from llama_runner.http.shares import EVERYBODY, Shares
from llama_runner.http.site import JSON, Site
from llama_runner.wire.body import Body
from llama_runner.wire.handshake import check_handshake
from llama_runner.wire.request_head import HeadError, Headers, RequestHead

logger = logging.getLogger(__name__)

RATE_LIMIT = "rate_limit_exceeded"


@define(eq=False)
class Connection:
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
        upload = self.site.upload(head)
        if upload is not None:
            handler, name = upload
            pieces = BodyPieces.of(self.client, head, self.site.limits, self.holding)
            take = partial(handler, name, head.content_length, pieces, answer)
            with self.client.consuming():
                within = partial(self._within, head, answer, take)
                return await self._guarded(head, answer, within) and pieces.ended
        body = await read_body(self.client, head, self.site.limits, self.holding)
        work = partial(relay, body, answer) if relay else partial(self._apply, head, body, answer)
        self.client.answering(answer.interruption)
        return await self._guarded(head, answer, work)

    async def _guarded(
        self, head: RequestHead, answer: Answer, work: Callable[[], Awaitable[None]]
    ) -> bool:
        """Have a request answered; say whether another may follow."""
        try:
            await work()
        except (ClientGone, ClientTooSlow, HeadError):
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
        serve = self.site.application.serve
        await self._within(head, answer, partial(serve, answer, self.addresses, head, body))

    async def _within(
        self, head: RequestHead, answer: Answer, work: Callable[[], Awaitable[None]]
    ) -> None:
        """Do what a stop may interrupt, and say so to a client that was told nothing yet."""
        with answer.interruption:
            await work()
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
        body = self.site.refusal(status, message, code, "" if head is None else head.path)
        extra = () if head is None else self.site.access.cross_origin_headers(head)
        answer = Answer(self.client, keeps_alive=False, chunked=False, extra_headers=extra)
        answer.omits_body = head is not None and head.method == "HEAD"
        await answer.whole(status, JSON, body, headers)
        return False
