from __future__ import annotations

from attrs import evolve

from llama_runner.memory.amounts import NOTHING, Amounts
from llama_runner.scheduling.decide import LOOK_AGAIN, LOOK_SOON, decide
from llama_runner.scheduling.plan import Plan, Reason, Refusal
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Budget, Rules, Situation
from llama_runner.scheduling.ticket import Ticket
from tests.support.fake_memory import ram

RULES = Rules(patience=10, min_residency=5, memory_wait=4)


def ready(size: int = 4, **changes: object) -> Resident:
    settings: dict[str, object] = {"footprint": ram(size), "phase": Phase.READY, **changes}
    return Resident(**settings)  # type: ignore[arg-type]


def tickets(*models: str, since: float = 100) -> list[Ticket]:
    return [Ticket(number, model, since=since) for number, model in enumerate(models)]


def situation(
    waiting: list[Ticket],
    residents: dict[str, Resident] | None = None,
    sizes: dict[str, int] | None = None,
    *,
    total: int = 10,
    free: int | None = None,
    owed: int = 0,
    now: float = 100,
    rules: Rules = RULES,
    not_before: dict[str, float] | None = None,
) -> Situation:
    room = ram(total if free is None else free)
    return Situation(
        waiting=waiting,
        residents=residents or {},
        footprints={model: ram(size) for model, size in (sizes or {}).items()},
        budget=Budget(most=ram(total), now=room, owed=ram(owed)),
        rules=rules,
        not_before=not_before or {},
        now=now,
    )


def plan_for(*arguments: object, **changes: object) -> Plan:
    """Return the plan, less the time to look again, which has tests of its own."""
    plan = decide(situation(*arguments, **changes))  # type: ignore[arg-type]
    return evolve(plan, look_again=float("inf"))


def test_a_ready_model_is_granted() -> None:
    waiting = tickets("a")
    assert plan_for(waiting, {"a": ready()}) == Plan(grants=tuple(waiting))


def test_grants_stop_at_the_slots_and_go_to_the_oldest() -> None:
    waiting = tickets("a", "a", "a", "a")
    plan = plan_for(waiting, {"a": ready(slots=3, leases=1)})
    assert plan == Plan(grants=tuple(waiting[:2]))


def test_clients_take_turns() -> None:
    first, second = Ticket(0, "a", "x", turn=1), Ticket(1, "a", "x", turn=2)
    other = Ticket(2, "a", "y", turn=1)
    plan = plan_for([first, second, other], {"a": ready(slots=2)})
    assert plan.grants == (first, other)


def test_a_second_ticket_joins_the_load_in_flight() -> None:
    waiting = tickets("a", "a")
    assert plan_for(waiting, {}, {"a": 4}) == Plan(starts=(waiting[0],))


def test_a_model_is_loaded_beside_what_is_there_if_it_fits() -> None:
    waiting = tickets("b")
    assert plan_for(waiting, {"a": ready(6)}, {"b": 4}) == Plan(starts=tuple(waiting))


def test_no_more_models_are_loaded_than_may_be() -> None:
    rules = evolve(RULES, max_loaded=1)
    plan = plan_for(tickets("b"), {"a": ready(1)}, {"b": 1}, rules=rules)
    assert plan == Plan(evictions=("a",))


def test_the_idle_model_used_longest_ago_is_evicted_where_cost_does_not_tell() -> None:
    residents = {"a": ready(5, last_used=2, cost=0.3), "b": ready(5, last_used=1, cost=0.4)}
    assert plan_for(tickets("c"), residents, {"c": 5}) == Plan(evictions=("b",))


def test_the_model_cheapest_to_bring_back_is_evicted() -> None:
    residents = {"a": ready(5, last_used=2, cost=3), "b": ready(5, last_used=1, cost=30)}
    assert plan_for(tickets("c"), residents, {"c": 5}) == Plan(evictions=("a",))


def test_no_more_is_evicted_than_the_load_needs() -> None:
    residents = {name: ready(3, last_used=at) for at, name in enumerate("abc")}
    assert plan_for(tickets("d"), residents, {"d": 4}, total=9) == Plan(evictions=("a", "b"))


def test_one_large_model_goes_rather_than_two_small_ones() -> None:
    residents = {"a": ready(2), "b": ready(2, last_used=1), "c": ready(4, last_used=9)}
    assert plan_for(tickets("d"), residents, {"d": 6}) == Plan(evictions=("c",))


def test_a_leased_model_is_never_evicted() -> None:
    assert plan_for(tickets("c"), {"a": ready(8, leases=1)}, {"c": 5}) == Plan()


def test_nothing_is_evicted_when_that_would_not_make_room() -> None:
    residents = {"a": ready(2), "b": ready(8, leases=1)}
    assert plan_for(tickets("c"), residents, {"c": 9}) == Plan()


def test_a_model_that_is_just_being_granted_is_not_evicted() -> None:
    waiting = tickets("a", "c")
    assert plan_for(waiting, {"a": ready(8)}, {"c": 5}) == Plan(grants=(waiting[0],))


def test_a_pinned_model_is_not_evicted_and_the_wait_for_its_memory_has_an_end() -> None:
    waiting, pinned = tickets("c"), {"a": ready(8, pinned=True)}
    assert plan_for(waiting, pinned, {"c": 5}, now=103) == Plan()
    refused = Refusal(waiting[0], Reason.NO_ROOM)
    assert plan_for(waiting, pinned, {"c": 5}, now=104) == Plan(refusals=(refused,))


def test_a_model_that_can_have_no_room_does_not_hold_up_others() -> None:
    waiting = tickets("c", "d")
    plan = plan_for(waiting, {"a": ready(8, pinned=True)}, {"c": 5, "d": 2})
    assert plan == Plan(starts=(waiting[1],))


def test_a_model_larger_than_the_machine_is_refused() -> None:
    waiting = tickets("a")
    refused = Refusal(waiting[0], Reason.TOO_LARGE)
    assert plan_for(waiting, {}, {"a": 11}) == Plan(refusals=(refused,))


def test_a_younger_load_does_not_take_the_memory_an_older_one_waits_for() -> None:
    plan = plan_for(tickets("b", "c"), {"a": ready(8, leases=1)}, {"b": 5, "c": 2})
    assert plan == Plan()


def test_a_younger_load_on_another_device_does_not_wait() -> None:
    waiting = tickets("b", "c")
    full = situation(waiting, {"a": ready(8, leases=1)}, {"b": 5})
    gpu = Amounts({"gpu": 4})
    budget = Budget(most=ram(10) + gpu, now=ram(10) + gpu)
    plan = decide(evolve(full, footprints={"b": ram(5), "c": gpu}, budget=budget))
    assert plan.starts == (waiting[1],)


def test_memory_of_a_stopping_model_is_not_free_yet_nor_claimed_twice() -> None:
    residents = {"a": Resident(footprint=ram(6), phase=Phase.STOPPING), "b": ready(4)}
    assert plan_for(tickets("c"), residents, {"c": 6}) == Plan()


def test_memory_that_an_ended_model_owes_is_waited_for() -> None:
    plan = decide(situation(tickets("c"), {"b": ready(4)}, {"c": 6}, free=4, owed=6))
    assert plan == Plan(look_again=100 + LOOK_SOON)


def test_memory_that_other_programs_hold_is_looked_for_again() -> None:
    plan = decide(situation(tickets("c"), {"b": ready(4, leases=1)}, {"c": 6}, free=9))
    assert plan == Plan(look_again=100 + LOOK_AGAIN)


def test_a_model_that_yields_evicts_nobody() -> None:
    waiting = [Ticket(0, "c", since=100, yields=True)]
    plan = plan_for(waiting, {"b": ready(8)}, {"c": 6})
    assert plan == Plan(refusals=(Refusal(waiting[0], Reason.NO_ROOM),))


def test_a_start_that_failed_is_not_tried_again_before_its_time() -> None:
    waiting = tickets("a", "b")
    plan = decide(situation(waiting, {}, {"a": 9, "b": 2}, not_before={"a": 130}))
    assert plan == Plan(starts=(waiting[1],), look_again=130)


def test_a_busy_model_goes_on_until_patience_ends() -> None:
    waiting = [Ticket(0, "c", since=100), Ticket(1, "a", since=105)]
    busy = {"a": ready(8, slots=2, leases=1)}
    assert plan_for(waiting, busy, {"c": 5}, now=109) == Plan(grants=(waiting[1],))
    assert plan_for(waiting, busy, {"c": 5}, now=110) == Plan()


def test_an_idle_model_in_the_way_of_an_overdue_ticket_goes_though_it_is_wanted() -> None:
    waiting = [Ticket(0, "c", since=100), Ticket(1, "a", since=105)]
    plan = plan_for(waiting, {"a": ready(8)}, {"c": 5}, now=110)
    assert plan == Plan(evictions=("a",))


def test_a_fresh_model_serves_what_waits_for_it_before_it_drains() -> None:
    waiting = [Ticket(0, "c", since=100), Ticket(1, "a", since=105)]
    plan = decide(situation(waiting, {"a": ready(8, since=107)}, {"c": 5}, now=110))
    assert plan == Plan(grants=(waiting[1],), look_again=110 + LOOK_AGAIN)
    late = decide(situation(waiting, {"a": ready(8, since=107)}, {"c": 5}, now=112))
    assert late.grants == ()


def test_a_fresh_model_that_nobody_waits_for_goes_at_once() -> None:
    plan = plan_for(tickets("c"), {"a": ready(8, since=99)}, {"c": 5})
    assert plan == Plan(evictions=("a",))


def test_a_draining_model_still_serves_who_came_before() -> None:
    waiting = [Ticket(0, "a", since=100), Ticket(1, "c", since=100)]
    plan = plan_for(waiting, {"a": ready(8, slots=2, leases=1)}, {"c": 5}, now=120)
    assert plan == Plan(grants=(waiting[0],))


def test_only_what_is_in_the_way_drains() -> None:
    waiting = [Ticket(0, "c", since=100), Ticket(1, "b", since=100)]
    residents = {"a": ready(8, leases=1), "b": ready(2, slots=2, leases=1)}
    plan = plan_for(waiting, residents, {"c": 5}, now=120)
    assert plan == Plan(grants=(waiting[1],))


def test_an_idle_model_expires() -> None:
    kept = {"a": ready(last_used=50, keep_alive=60.0)}
    assert decide(situation([], kept, now=109)) == Plan(look_again=110)
    assert decide(situation([], kept, now=110)) == Plan(expiries=("a",))


def test_a_model_that_was_never_asked_for_expires_too() -> None:
    kept = {"a": ready(since=50, keep_alive=60.0)}
    assert decide(situation([], kept, now=110)) == Plan(expiries=("a",))


def test_what_is_leased_pinned_or_kept_for_ever_does_not_expire() -> None:
    kept = {
        "a": ready(keep_alive=1.0, leases=1),
        "b": ready(keep_alive=1.0, pinned=True),
        "c": ready(),
    }
    assert decide(situation([], kept)) == Plan()


def test_a_budget_that_nobody_asks_for_is_not_needed() -> None:
    waiting = tickets("a")
    none = Budget(most=NOTHING, now=NOTHING)
    plan = decide(evolve(situation(waiting, {"a": ready()}), budget=none))
    assert plan == Plan(grants=tuple(waiting))
