"""One exchange with a lent runner, whose slot is free again however it ends."""

from __future__ import annotations

import trio
from attrs import define

from llama_runner.errors import RunnerLost
from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.lender import Lease
from llama_runner.relay.record import Record
from llama_runner.relay.upstream_exchange import UpstreamExchange

OK = 200


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
