"""What a model that is waited for is waiting for, in the words of its trail."""

from __future__ import annotations

import pytest

from llama_runner.memory.amounts import Amounts
from llama_runner.scheduling.hold_up import hold_up
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Budget, Rules, Situation
from llama_runner.scheduling.ticket import Ticket
from llama_runner.scheduling.trail import Step
from tests.support.fake_memory import ram

TICKET = Ticket(1, "b", "one", since=0.0)


def _step(resident: Resident | None, owed: Amounts, room: int = 10, at: float = 1.0) -> Step:
    situation = Situation(
        waiting=[TICKET],
        residents={} if resident is None else {"a": resident},
        footprints={"b": ram(6)},
        budget=Budget(most=ram(10), now=ram(room), owed=owed),
        rules=Rules(max_loaded=1),
        now=at,
    )
    return hold_up("b", situation)[0]


@pytest.mark.parametrize(
    ("phase", "leases", "step"),
    [
        (Phase.READY, 0, Step.TURN),
        (Phase.READY, 1, Step.DRAIN),
        (Phase.STARTING, 0, Step.DRAIN),
        (Phase.STOPPING, 0, Step.STOP),
    ],
)
@pytest.mark.parametrize("owed", [ram(0), ram(2)])
def test_a_resident_is_waited_for_whatever_memory_is_owed(
    phase: Phase, leases: int, step: Step, owed: Amounts
) -> None:
    assert _step(Resident(footprint=ram(2), phase=phase, leases=leases), owed) is step


def test_memory_is_waited_for_where_nobody_is_in_the_way() -> None:
    assert _step(None, owed=ram(4), room=4) is Step.MEMORY
    assert _step(None, owed=ram(0), room=4) is Step.MEMORY
