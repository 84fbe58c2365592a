"""The stop ladder with real engines: every state in which a child may be stopped, and its time."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import evolve, frozen

from llama_runner.runner.launch import Launch
from llama_runner.runner.mark import bearers, digest_of
from llama_runner.runner.runner import Runner
from llama_runner.runner.state import Exited, Ready, Starting
from tests.support.engine_runner import (
    ENGINES,
    PATIENCE,
    WATCHED,
    Here,
    endless_story,
    exited,
)
from tests.support.killing import SLOWED, WRAPPED, script

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LONG = "word " * 1800
ASKED = {0} | WATCHED
KILLED = {-9} | WATCHED
EITHER = ASKED | KILLED
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="scripts and signals are POSIX's")


@frozen(kw_only=True)
class Row:
    """One state and way of stopping; ``within`` is generous, for busy machines."""

    name: str
    within: float
    loading: bool = False
    """Or else ready."""
    story: str = ""
    """The beginning of a stream that is open."""
    hung_up: bool = False
    """Whether that stream is closed right before."""
    frozen: bool = False
    """Whether it is stopped, and so heeds nothing but a kill."""
    hurried: bool = False
    wrapper: str = ""
    """The text of a script around the engine."""
    codes: frozenset[int] | set[int] = frozenset()
    """The exit codes there may be; any, if none."""

    @property
    def for_posix(self) -> bool:
        """Whether this row needs scripts or signals."""
        return self.frozen or bool(self.wrapper)


# A signal that is ignored stays so over exec; a stopped process would die of it all the same.
DEAF = SLOWED.replace("\n", "\ntrap '' TERM\n", 1)
ROWS = (
    Row(name="idle: the exit line", within=3, codes=ASKED),
    # Told to exit, the engine looks for its clients a second later: on a busy machine that is
    # so late that the next rung comes first.
    Row(name="stream hung up: the exit line", within=4, story="Once", hung_up=True, codes=EITHER),
    Row(name="prefill hung up: the exit line", within=5, story=LONG, hung_up=True),
    # The embedded engine does not wait for its clients.
    Row(name="stream open: the exit line, then killed", within=5, story="Once", codes=EITHER),
    Row(name="prefill open: the exit line, then killed", within=5, story=LONG),
    Row(name="idle, in a hurry: stdin closed", within=3, hurried=True),
    Row(name="stream open, in a hurry: stdin closed", within=3, story="Once", hurried=True),
    Row(name="loading: SIGTERM", within=3, loading=True, wrapper=SLOWED),
    Row(name="loading, in a hurry: SIGTERM", within=3, loading=True, hurried=True, wrapper=SLOWED),
    Row(name="loading, deaf: killed", within=3, loading=True, wrapper=DEAF, codes=KILLED),
    Row(name="ready, deaf: killed", within=5, frozen=True, codes=KILLED),
    Row(name="ready, deaf, in a hurry: killed", within=3, frozen=True, hurried=True, codes=KILLED),
    Row(name="wrapped: the exit line", within=4, wrapper=WRAPPED),
    Row(name="wrapped, stream open: killed", within=5, story="Once", wrapper=WRAPPED),
    Row(name="wrapped, in a hurry: stdin closed", within=3, hurried=True, wrapper=WRAPPED),
)


@pytest.fixture(params=ENGINES, ids=lambda engine: Path(engine).name, scope="module")
def here(request, chat_model) -> Here:
    return Here(request.param, chat_model)


@pytest.fixture(scope="module")
def times(here, record_figures) -> Iterator[dict[str, float]]:
    """Return where each row's seconds are noted; a soak records them."""
    noted: dict[str, float] = {}
    yield noted
    record_figures(f"stop-{Path(here.engine).name}", {"seconds until nothing is left": noted})


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=on_posix if row.for_posix else ()) for row in ROWS],
    ids=lambda row: row.name,
)
async def test_a_stop_takes_its_time_and_leaves_nothing(here, times, row, tmp_path):
    launch = here.launch()
    if row.wrapper:
        wrapper = script(tmp_path / "engine.sh", row.wrapper, ())
        launch = evolve(launch, command=(str(wrapper), *launch.command))
    runner = here.runner(lambda: launch)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            await reach(row, runner)
            with trio.CancelScope(shield=True):
                async with story(row, launch):
                    began = stop(row, runner, launch, nursery)
                    await runner.state.wait_for(lambda state: isinstance(state, Exited))
    times[row.name] = round(trio.current_time() - began, 3)
    print(f"{row.name}: {times[row.name]} s, exit code {exited(runner).code}")
    assert bearers(digest_of(launch)) == []
    assert times[row.name] < row.within
    assert not row.codes or exited(runner).code in row.codes


async def reach(row: Row, runner: Runner) -> None:
    if row.loading:
        await runner.state.wait_for(
            lambda state: isinstance(state, Starting) and state.progress is not None
        )
        return
    await runner.state.wait_for(lambda state: isinstance(state, Ready))
    # It says that it is ready an instant before it is: an exit line in between may be lost,
    # and the ladder's next rung is needed. What answers this also heeds that.
    assert runner.child is not None
    await runner.child.control.slots()


@asynccontextmanager
async def story(row: Row, launch: Launch) -> AsyncIterator[None]:
    """Hold a stream open where the row has one that nobody hangs up."""
    if not row.story:
        yield
        return
    async with endless_story(launch, row.story) as response:
        if row.hung_up:
            await response.aclose()
        yield


def stop(row: Row, runner: Runner, launch: Launch, nursery: trio.Nursery) -> float:
    if row.frozen:
        for process in bearers(digest_of(launch)):
            process.suspend()
    if row.hurried:
        runner.hurry()
    nursery.cancel_scope.cancel()
    return trio.current_time()


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15])
async def test_one_that_is_stopped_at_any_moment_of_its_start_is_gone(here, after):
    launch = here.launch()
    runner = here.runner(lambda: launch)
    with trio.fail_after(PATIENCE):
        with trio.move_on_after(after):
            await runner.run()
    exited(runner)
    assert bearers(digest_of(launch)) == []
