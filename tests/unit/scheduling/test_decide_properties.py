"""What holds for every plan, whatever the situation."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, strategies as st

from llama_runner.memory.amounts import Amounts, total
from llama_runner.scheduling.decide import decide
from llama_runner.scheduling.outlook import Outlook, outlook
from llama_runner.scheduling.plan import Reason
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Budget, Rules, Situation
from llama_runner.scheduling.ticket import Ticket, in_order, next_turn
from llama_runner.scheduling.victims import cheapest

NOW = 100.0
MODELS = "abcdef"
DEVICES = ("ram", "gpu")

sizes = st.fixed_dictionaries({device: st.integers(0, 8) for device in DEVICES}).map(Amounts)
times = st.integers(80, 100).map(float)


@st.composite
def residents(draw: st.DrawFn) -> Resident:
    slots = draw(st.integers(1, 3))
    phase = draw(st.sampled_from(Phase))
    return Resident(
        footprint=draw(sizes),
        phase=phase,
        slots=slots,
        leases=draw(st.integers(0, slots)) if phase is Phase.READY else 0,
        last_used=draw(times),
        since=draw(times),
        pinned=draw(st.booleans()),
        keep_alive=draw(st.sampled_from([None, 0.0, 5.0])),
        cost=draw(st.floats(0, 5)),
        client=draw(st.sampled_from("xy")),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    there = draw(st.dictionaries(st.sampled_from(MODELS[:4]), residents()))
    asked = draw(st.lists(st.tuples(st.sampled_from(MODELS), st.sampled_from("xyz"), times)))
    waiting: list[Ticket] = []
    for number, (model, client, since) in enumerate(asked):
        turn = next_turn(client, waiting, 0)
        waiting.append(Ticket(number, model, client, turn, since, draw(st.booleans())))
    most = Amounts({device: 16 for device in DEVICES})
    return Situation(
        waiting=waiting,
        residents=there,
        footprints={model: draw(sizes) for model in MODELS if model not in there},
        budget=Budget(most=most, now=draw(sizes) + draw(sizes), owed=draw(sizes)),
        rules=Rules(max_loaded=draw(st.sampled_from([None, 1, 2]))),
        not_before=draw(st.dictionaries(st.sampled_from(MODELS), st.just(NOW + 1))),
        now=NOW,
    )


@given(situations())
def test_memory_and_places_are_never_promised_twice(situation: Situation) -> None:
    plan = decide(situation)
    starts = [situation.need(ticket.model) for ticket in plan.starts]
    assert not starts or total(starts).fits(situation.free)
    assert len({ticket.model for ticket in plan.starts}) == len(plan.starts)
    assert not {ticket.model for ticket in plan.starts} & situation.residents.keys()
    assert not {ticket.model for ticket in plan.starts} & situation.not_before.keys()


@given(situations())
def test_only_idle_unpinned_residents_are_stopped(situation: Situation) -> None:
    plan = decide(situation)
    stops = [*plan.evictions, *plan.expiries]
    assert len(set(stops)) == len(stops)
    for key in stops:
        resident = situation.residents[key]
        assert resident.phase is Phase.READY
        assert not (resident.leases or resident.pinned)
        assert key not in {ticket.model for ticket in plan.grants}


@given(situations())
def test_evictions_are_enough_for_somebody_and_none_is_one_too_many(situation: Situation) -> None:
    plan = decide(situation)
    if not plan.evictions:
        return
    leaving = [key for key, found in situation.residents.items() if found.phase is Phase.STOPPING]
    taken = total(situation.need(ticket.model) for ticket in plan.starts)
    coming = situation.free + situation.held_by(leaving) + situation.budget.owed
    needs = [
        situation.need(ticket.model)
        for ticket in situation.waiting
        if ticket.model in situation.footprints and not ticket.yields
    ]

    def enough(keys: tuple[str, ...]) -> bool:
        room = coming + situation.held_by(keys)
        return any(need.fits(room) or (need + taken).fits(room) for need in needs)

    assert enough(plan.evictions)


@given(situations())
def test_grants_keep_to_the_slots_and_to_the_order(situation: Situation) -> None:
    plan = decide(situation)
    for key, resident in situation.residents.items():
        granted = [ticket for ticket in plan.grants if ticket.model == key]
        assert not granted or resident.phase is Phase.READY
        assert resident.leases + len(granted) <= resident.slots
        same = [ticket for ticket in in_order(situation.waiting) if ticket.model == key]
        assert granted == same[: len(granted)]


@given(situations())
def test_every_ticket_has_one_fate_at_most(situation: Situation) -> None:
    plan = decide(situation)
    ends = [*plan.grants, *plan.starts, *(refusal.ticket for refusal in plan.refusals)]
    assert len(set(ends)) == len(ends)
    assert set(ends) <= set(situation.waiting)
    for refusal in plan.refusals:
        too_large = not situation.need(refusal.ticket.model).fits(situation.most)
        assert too_large == (refusal.reason is Reason.TOO_LARGE)


@given(situations())
def test_the_order_in_which_tickets_are_given_does_not_count(situation: Situation) -> None:
    turned = evolve(situation, waiting=list(reversed(situation.waiting)))
    assert decide(turned) == decide(situation)


@given(st.dictionaries(st.sampled_from(MODELS), residents()), sizes)
def test_no_set_that_is_enough_is_cheaper(there: dict[str, Resident], missing: Amounts) -> None:
    held = {key: resident.footprint for key, resident in there.items()}
    chosen = cheapest(there, held, missing)
    if chosen is None:
        assert not missing.fits(total(held.values()))
        return
    assert missing.fits(total(held[key] for key in chosen))
    for key in chosen:
        rest = total(held[other] for other in chosen if other != key)
        assert not missing.fits(rest) or round(there[key].cost) == 0


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans()), max_size=40))
def test_no_client_gets_two_turns_while_another_waits_for_one(
    arrivals: list[tuple[str, bool]],
) -> None:
    waiting: list[Ticket] = []
    served = number = 0
    for client, serve in arrivals:
        turn = next_turn(client, waiting, served)
        waiting.append(Ticket(number, "a", client, turn))
        number += 1
        if serve:
            first = in_order(waiting)[0]
            waiting.remove(first)
            served = max(served, first.turn)
            assert all(first.turn <= other.turn for other in waiting)
    for client in "xyz":
        turns = [ticket.turn for ticket in waiting if ticket.client == client]
        assert turns == sorted(set(turns))


@given(situations(), st.sampled_from(MODELS))
def test_an_outlook_is_what_a_request_for_the_model_would_bring_about(
    situation: Situation, model: str
) -> None:
    # Nobody else waits, and this one has waited for long enough.
    ticket = Ticket(99, model, "z", 1, since=0.0)
    alone = evolve(situation, waiting=[ticket], not_before={})
    seen, plan = outlook(model, alone), decide(alone)
    if model in situation.residents:
        leaving = situation.residents[model].phase is Phase.STOPPING
        assert seen == Outlook(loaded=not leaving)
    elif seen.reason is not None:
        assert [refusal.reason for refusal in plan.refusals] == [seen.reason]
    elif seen.busy:
        assert not plan.starts and not plan.evictions and not plan.refusals
    elif seen.evicts:
        assert set(plan.evictions) == set(seen.evicts)
    elif alone.need(model).fits(alone.free):
        assert plan.starts == (ticket,)


@given(situations())
def test_who_did_not_come_before_a_model_became_unwanted_is_not_served_by_it(
    situation: Situation,
) -> None:
    unwanted = {key: evolve(found, unwanted=90.0) for key, found in situation.residents.items()}
    for ticket in decide(evolve(situation, residents=unwanted)).grants:
        assert ticket.since < 90.0
