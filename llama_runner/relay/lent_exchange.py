"""One exchange with a lent runner, whose slot is free again however it ends."""

from __future__ import annotations

from typing import NoReturn

import trio
from attrs import define

from llama_runner.errors import RunnerLost
from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.lender import Lease
from llama_runner.relay.record import Record
from llama_runner.relay.refusal import refusal_of
from llama_runner.relay.relay_request import RelayRequest
from llama_runner.relay.target import Target
from llama_runner.relay.upstream_exchange import UpstreamExchange
from llama_runner.wire.long_strings import restored

OK = 200
JSON = "application/json; charset=utf-8"
REFUSAL_BYTES = 1024 * 1024
"""What is read of an engine's refusal; none is as long by far."""


@define(eq=False)
class LentExchange:
    """Sends the request once it is entered.

    A runner that breaks off is asked for its fate, so that the client reads why;
    an answer that is broken off leaves a slot to be seen idle.
    """

    _lease: Lease
    _upstream: UpstreamExchange
    _answer: ClientAnswer
    _record: Record

    async def __aenter__(self) -> UpstreamExchange:
        try:
            await self._upstream.begin()
        except RunnerLost as error:
            self._let_go()
            raise await self._lease.fate() from error
        except BaseException:
            self._let_go()
            raise
        return self._upstream

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._let_go()
        if isinstance(error, RunnerLost):
            # Its wait has a bound of its own, and may be cancelled: all is given back by now.
            raise await self._lease.fate() from error  # noqa: ASYNC102 - see above

    def _let_go(self) -> None:
        self._upstream.close()
        if self._upstream.finished:
            if self._upstream.status == OK:
                self._lease.answered()
            return
        self._lease.abandon()
        if self._answer.left_at is not None:
            self._record.closed_after = trio.current_time() - self._answer.left_at


def take(lease: Lease, request: RelayRequest, record: Record) -> None:
    """Note that a request has its lease, and for how long it wants its model to stay."""
    record.granted(lease.first_token)
    if request.keep_alive is not None:
        lease.keep_for(request.keep_alive)


def exchange(
    lease: Lease, request: RelayRequest, target: Target, answer: ClientAnswer, record: Record
) -> LentExchange:
    """Return the exchange that serves a request whose lease this is."""
    body = request.upstream_body(target.model, target.request_defaults, lease.terms)
    pieces = restored(body, request.aside)
    upstream = UpstreamExchange(lease.pool, lease.pool.request(request.task.value, pieces))
    return LentExchange(lease, upstream, answer, record)


async def refuse(upstream: UpstreamExchange) -> NoReturn:
    """Raise what an answer with another status than 200 means."""
    status = upstream.status
    if status < 400:
        raise RunnerLost(f"the engine answered with status {status}")
    raise refusal_of(status, await upstream.body(REFUSAL_BYTES))
