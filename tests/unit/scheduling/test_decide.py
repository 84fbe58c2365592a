from __future__ import annotations

from hypothesis import given, strategies as st

from llama_runner.scheduling.decide import decide
from llama_runner.scheduling.plan import Plan
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.ticket import Ticket


def ready(footprint: int = 4, **changes: float) -> Resident:
    return Resident(footprint, Phase.READY, **changes)  # type: ignore[arg-type]


def test_a_ready_model_is_granted() -> None:
    ticket = Ticket(0, "a", 4)
    assert decide([ticket], {"a": ready()}, 10) == Plan(grants=(ticket,))


def test_grants_stop_at_the_slots_and_go_to_the_oldest() -> None:
    tickets = [Ticket(number, "a", 4) for number in range(4)]
    plan = decide(tickets, {"a": ready(slots=3, leases=1)}, 10)
    assert plan == Plan(grants=tuple(tickets[:2]))


def test_a_second_ticket_joins_the_load_in_flight() -> None:
    first, second = Ticket(0, "a", 4), Ticket(1, "a", 4)
    assert decide([first, second], {}, 10) == Plan(starts=(first,))


def test_the_idle_model_used_longest_ago_is_evicted() -> None:
    residents = {"a": ready(5, last_used=2.0), "b": ready(5, last_used=1.0)}
    assert decide([Ticket(0, "c", 5)], residents, 10) == Plan(evictions=("b",))


def test_a_leased_model_is_never_evicted() -> None:
    assert decide([Ticket(0, "c", 5)], {"a": ready(8, leases=1)}, 10) == Plan()


def test_a_model_that_is_just_being_granted_is_not_evicted() -> None:
    first, second = Ticket(0, "a", 8), Ticket(1, "c", 5)
    assert decide([first, second], {"a": ready(8)}, 10) == Plan(grants=(first,))


def test_a_model_larger_than_the_machine_is_refused() -> None:
    ticket = Ticket(0, "a", 11)
    assert decide([ticket], {}, 10) == Plan(refusals=(ticket,))


def test_a_younger_load_does_not_take_the_memory_an_older_one_waits_for() -> None:
    waiting = [Ticket(0, "b", 5), Ticket(1, "c", 2)]
    assert decide(waiting, {"a": ready(8, leases=1)}, 10) == Plan()


def test_memory_of_a_stopping_model_is_not_free_yet_nor_claimed_twice() -> None:
    residents = {"a": Resident(6, Phase.STOPPING), "b": ready(4)}
    assert decide([Ticket(0, "c", 6)], residents, 10) == Plan()


def test_no_more_is_evicted_than_the_load_needs() -> None:
    residents = {name: ready(3, last_used=at) for at, name in enumerate("abc")}
    assert decide([Ticket(0, "d", 4)], residents, 9) == Plan(evictions=("a", "b"))


residents_of = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(
        Resident,
        st.integers(1, 6),
        st.sampled_from(Phase),
        st.integers(1, 3),
        st.integers(0, 3),
        st.floats(0, 9),
    ),
)


@given(
    residents=residents_of,
    models=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 20))),
)
def test_a_plan_keeps_every_promise(
    residents: dict[str, Resident], models: list[tuple[str, int]]
) -> None:
    capacity = 18
    sizes = {name: resident.footprint for name, resident in residents.items()}
    waiting = [
        Ticket(number, name, sizes.setdefault(name, size))
        for number, (name, size) in enumerate(models)
    ]
    plan = decide(waiting, residents, capacity)
    used = sum(resident.footprint for resident in residents.values())
    started = sum(ticket.footprint for ticket in plan.starts)
    granted = [ticket.model for ticket in plan.grants]
    assert used + started <= max(capacity, used)
    assert all(not residents[key].leases for key in plan.evictions)
    assert not set(plan.evictions) & set(granted)
    assert len(set(plan.evictions)) == len(plan.evictions)
    assert len({ticket.model for ticket in plan.starts}) == len(plan.starts)
    assert all(
        residents[name].leases + granted.count(name)
        <= max(residents[name].slots, residents[name].leases)
        for name in set(granted)
    )
    ends = [*plan.grants, *plan.starts, *plan.refusals]
    assert len(set(ends)) == len(ends)
    assert all(ticket.footprint > capacity for ticket in plan.refusals)
