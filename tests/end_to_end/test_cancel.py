"""Cancelling on a real engine: how soon it stops, with a neighbour streaming all the while."""

from __future__ import annotations

import json
import random
from pathlib import Path

import trio

from llama_runner.events.event import CancelConfirmed
from tests.support.cancelling import (
    Cancelled,
    cancel_one,
    random_words,
    streaming_neighbour,
    summary,
)
from tests.support.program import RealEngine, open_program

BATCH = 64
PARAMETERS = {
    "parallel": 2,
    "ctx-size": 8192,
    "batch-size": BATCH,
    "ubatch-size": BATCH,
    "threads": 1,
}
CLOSED_WITHIN = 1.0


def _body(words: int, seed: int, *, stream: bool) -> dict[str, object]:
    prompt = f"{seed} {random_words(words, seed)}"
    messages = [{"role": "user", "content": prompt}]
    # Without an end token, an answer lasts until somebody stops it.
    bias = {"ignore_eos": True, "max_tokens": 3000}
    return {"model": "a", "messages": messages, "stream": stream, **bias}


async def test_a_slot_is_idle_a_step_after_its_client_left(
    engine: tuple[str, ...], chat_model: Path, cancels: int, record_figures
) -> None:
    moments = random.Random(20261122)  # noqa: S311 - a seed, so that every run is the same
    seen: list[Cancelled] = []
    real = RealEngine(engine, chat_model, PARAMETERS)
    async with open_program(real=real, models=("a",)) as program:
        async with streaming_neighbour(program, _body(3, 1, stream=True)) as neighbour:
            for number in range(cancels):
                phase = ("prefill", "decode")[number % 2]
                words = 700 if phase == "prefill" else 5
                body = _body(words, 100 + number, stream=number % 4 < 2)
                after = moments.uniform(0, 0.5 if phase == "prefill" else 0.3)
                seen.append(await cancel_one(program, neighbour, body, phase, after))
            await trio.sleep(1.5)  # the last confirmation's second look
        confirmed = [event for event in program.told if isinstance(event, CancelConfirmed)]
    figures = {"batch tokens": BATCH, **summary(seen)}
    record_figures("cancel", figures)
    print(json.dumps(figures, indent=2))
    # An answer that nobody stopped would go on for half a minute. How soon it stops is a
    # figure, not an assertion: these clocks stand still while others use the cores.
    assert [one for one in seen if one.idle_after > 3 * one.step + 2] == []
    assert [one for one in seen if one.closed_after > CLOSED_WITHIN] == []
    assert len([event for event in confirmed if event.after is not None]) >= cancels


async def test_a_request_cancelled_while_queued_or_loading_never_reaches_the_engine(
    engine: tuple[str, ...], chat_model: Path, cancels: int
) -> None:
    moments = random.Random(7)  # noqa: S311 - a seed, so that every run is the same
    real = RealEngine(engine, chat_model, {**PARAMETERS, "parallel": 1})
    async with open_program(real=real, models=("a",), slots=1) as program:
        loading = program.client()
        await loading.request(body=_body(5, 2, stream=True))
        await trio.sleep(0.02)
        loading.close()
        async with streaming_neighbour(program, _body(3, 3, stream=True)) as neighbour:
            (seat,) = program.runners._seats.values()
            start = seat.runner.tail.end
            for number in range(cancels):
                client = program.client()
                await client.request(body=_body(5, 200 + number, stream=number % 2 == 0))
                await trio.sleep(moments.uniform(0, 0.05))
                client.close()
            await neighbour.tokens(5)
            lines = seat.runner.tail.since(start).lines
            launches = [line for line in seat.runner.tail.since(0).lines if "launch_slot_" in line]
            assert len(program.runners.line) == 0
    assert not any("launch_slot_" in line for line in lines)
    assert len(launches) == 1
