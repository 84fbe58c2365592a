"""Takes back the slots of leases that are over."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio
from attrs import define

from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import CancelConfirmed, Event
from llama_runner.lending.alarm import Alarm
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.prospects import Prospects
from llama_runner.lending.seat import Seat
from llama_runner.lending.waiting_line import WaitingLine
from llama_runner.scheduling.resident import Phase

logger = logging.getLogger(__name__)


@define(eq=False)
class TakingBack:
    """A slot whose client has left is free only when it has been seen idle.

    For ``bound`` seconds that is waited for.
    """

    _line: WaitingLine
    _prospects: Prospects
    _alarm: Alarm
    _reconsider: Callable[[], None]
    _events: Broadcaster[Event]
    _bound: float

    def take_back(self, lease: RunnerLease) -> None:
        """Take back what a lease holds."""
        # The lease's own seat, not its key's: the runner may have died under
        # this lease and another have taken its place since.
        seat = lease.seat
        if lease.abandoned and seat.phase is Phase.READY and seat.watchers is not None:
            seat.waning += 1
            seat.watchers.start_soon(self._await_idle, seat, lease.slot)
        else:
            seat.answered = seat.answered or not lease.abandoned
            self._give_back(seat, lease.slot)
        lease.took_no_token()
        if lease.since is not None:
            self._prospects.answered(seat.spec.key, trio.current_time() - lease.since)

    def _give_back(self, seat: Seat, slot: int) -> None:
        now = trio.current_time()
        seat.give_back(slot, now)
        if self._line:
            self._reconsider()
        elif seat.keep_alive is not None:
            self._alarm.set(now + seat.keep_alive)

    async def _await_idle(self, seat: Seat, slot: int) -> None:
        try:
            after = await seat.seen_idle(self._bound)
        finally:
            seat.waning -= 1
            self._give_back(seat, slot)
        self._events.publish(CancelConfirmed(seat.spec.key, after))
        if after is None:
            message = "%s still works for a client that left %g s ago"
            logger.warning(message, seat.spec.key, self._bound)
