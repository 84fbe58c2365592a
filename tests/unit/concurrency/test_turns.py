"""Long work in turns."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import trio

from llama_runner.concurrency.turns import in_turns

STEPS = 5


def _work(done: list[str], end: str) -> Generator[None, None, str]:
    for _ in range(STEPS):
        done.append("step")
        yield
    if not end:
        raise ValueError("it cannot be done")
    return end


async def _others(done: list[str]) -> None:
    while True:
        done.append("others")
        await trio.lowlevel.checkpoint()


async def test_others_have_a_turn_with_every_step() -> None:
    done: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_others, done)
        assert await in_turns(_work(done, "all")) == "all"
        nursery.cancel_scope.cancel()
    assert done.count("step") == STEPS
    # Who is first changes from turn to turn.
    assert "step, step, step" not in ", ".join(done)


async def test_what_goes_wrong_is_raised() -> None:
    with pytest.raises(ValueError, match="it cannot be done"):
        await in_turns(_work([], ""))


async def test_it_can_be_cancelled_between_two_steps() -> None:
    done: list[str] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        await in_turns(_work(done, "all"))
    assert scope.cancelled_caught
    assert not done
