"""Models that can be launched with a larger context, and requests that want one."""

from __future__ import annotations

import trio
from attrs import evolve, frozen

from llama_runner.config.larger_context import GROW
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.runner_manager import RunnerManager
from llama_runner.scheduling.conversation import Conversation
from tests.support.fake_child import FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram

CONTEXT = 4096
TRAINED = 32_768


def grown_name(model: str, context: int) -> str:
    """Return under which name a fake child of a model is launched with this context."""
    return model if context == CONTEXT else f"{model} {context}"


def sized(name: str, *, policy: str = GROW, slots: int = 2, trained: int = TRAINED) -> ModelSpec:
    """Return a model of 3 bytes, and of one more for each further ``CONTEXT`` tokens."""
    return _with_context(
        ModelSpec(name, slots, lambda: fake_launch(name), lambda: ram(0)), CONTEXT, policy, trained
    )


def _with_context(spec: ModelSpec, context: int, policy: str, trained: int) -> ModelSpec:
    launched = grown_name(spec.key, context)
    return evolve(
        spec,
        make_launch=lambda: fake_launch(launched, slots=spec.slots),
        footprint=lambda: ram(2 + context // CONTEXT),
        context=context,
        trained=trained,
        larger_context=policy,
        grown=lambda more: _with_context(spec, more, policy, trained),
    )


@frozen
class Wants:
    """A request that wants its model to hold so many tokens."""

    context: int | None = None
    choices: int = 1

    def conversation(self) -> Conversation | None:
        """Return nothing that it is recognised by."""
        return None


ROOM = 20
SIZES = {
    grown_name(model, context): 2 + context // CONTEXT
    for model in "ab"
    for context in (CONTEXT, 8192, 9000, 16_384, TRAINED)
}


async def ask(
    manager: RunnerManager, spec: ModelSpec, wanted: int | None = None, seconds: float = 1
) -> int:
    """Hold a slot for a while; return the context that there was."""
    with manager.queue(spec, "client", Wants(wanted)) as place:
        lease = await place.granted()
        await trio.sleep(seconds)
        assert lease.seat.child_lives, "cut off"
        return place.context


def memory(spawn: FakeSpawner, room: int = ROOM) -> FakeMemory:
    """Return memory in which the models have the sizes that they tell."""
    return FakeMemory(room, SIZES, spawn)
