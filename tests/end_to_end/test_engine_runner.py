"""The runner over a real engine: readiness, the stop ladder's rows, failed starts."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import psutil
import pytest
import trio
from attrs import evolve, frozen

from llama_runner.config.models import ModelConfig
from llama_runner.errors import StartFailed
from llama_runner.runner.command import build_launch
from llama_runner.runner.diagnosis import Cause
from llama_runner.runner.engine import resolve_engine
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port
from llama_runner.runner.runner import Runner
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner.state import Exited, Ready
from tests.support.model_cards import model_card

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ENGINES = ["embedded", *filter(None, [os.environ.get("LLAMA_RUNNER_TEST_ENGINE")])]
PATIENCE = 120


@frozen
class Here:
    """An engine and a model."""

    engine: str
    model: Path

    def launch(self, *more: str, model: Path | None = None) -> Launch:
        """Return a launch of this engine, with arguments of any kind."""
        made = build_launch(
            resolve_engine(self.engine, ""),
            "smol",
            model_card(path=model or self.model),
            ModelConfig(parameters={"ctx-size": 4096, "parallel": 2}),
            port=free_port(),
            inherited=os.environ,
        )
        return evolve(made, command=(*made.command, *more))

    def runner(self, launch: Callable[[], Launch] | None = None) -> Runner:
        """Return a runner of this engine."""
        return Runner(launch or self.launch, system_spawner())


@pytest.fixture(params=ENGINES, ids=lambda engine: Path(engine).name)
def here(request, chat_model):
    return Here(request.param, chat_model)


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[Ready]:
    """Run it until it is ready; stop it at the end of the block."""
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            state = await runner.state.wait_for(lambda state: isinstance(state, Ready))
            assert isinstance(state, Ready)
            yield state
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def endless_story(launch: Launch) -> AsyncIterator[httpx.Response]:
    """Hold a stream open that does not end by itself."""
    async with httpx.AsyncClient(
        base_url=launch.endpoint,
        headers={"authorization": f"Bearer {launch.api_key}"},
        timeout=PATIENCE,
        trust_env=False,
    ) as client:
        body = {"prompt": "Once", "stream": True, "n_predict": -1, "ignore_eos": True}
        async with client.stream("POST", "/completion", json=body) as response:
            assert response.status_code == 200
            await anext(response.aiter_raw())
            yield response


def exited(runner: Runner) -> Exited:
    state = runner.state.value
    assert isinstance(state, Exited)
    assert runner.child is None or not psutil.pid_exists(runner.child.pid)
    return state


async def test_it_becomes_ready_and_its_settings_are_what_was_asked(here, caplog):
    runner = here.runner()
    async with running(runner) as ready:
        assert ready.meta
        child = runner.child
        assert child is not None
        assert await child.control.health()
        assert await child.control.is_ours()
        assert [slot.busy for slot in await child.control.slots()] == [False, False]
        assert (await child.control.props())["total_slots"] == 2
        stranger = httpx.AsyncClient(base_url=ready.launch.endpoint, trust_env=False)
        async with stranger:
            assert (await stranger.get("/props")).status_code == 401
    assert not caplog.records


async def test_an_idle_one_exits_when_asked(here):
    runner = here.runner()
    async with running(runner):
        began = trio.current_time()
    # The embedded engine is still watched over by the kernel right after its load.
    assert exited(runner).code in (0, -getattr(signal, "SIGIO", 0))
    print(f"idle stop: {trio.current_time() - began:.3f} s")


async def test_one_that_still_streams_is_ended_all_the_same(here):
    runner = here.runner()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            ready = await runner.state.wait_for(lambda state: isinstance(state, Ready))
            assert isinstance(ready, Ready)
            with trio.CancelScope(shield=True):
                async with endless_story(ready.launch):
                    nursery.cancel_scope.cancel()
                    began = trio.current_time()
                    await runner.state.wait_for(lambda state: isinstance(state, Exited))
                    print(f"stop beside a stream: {trio.current_time() - began:.3f} s")
    exited(runner)


async def test_one_whose_stream_was_hung_up_exits_when_asked(here):
    runner = here.runner()
    async with running(runner) as ready:
        async with endless_story(ready.launch):
            pass
        began = trio.current_time()
    print(f"stop after hanging up: {trio.current_time() - began:.3f} s")
    assert exited(runner).code == 0


async def test_a_hurried_stop_does_not_wait_for_a_stream(here):
    runner = here.runner()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            ready = await runner.state.wait_for(lambda state: isinstance(state, Ready))
            assert isinstance(ready, Ready)
            with trio.CancelScope(shield=True):
                async with endless_story(ready.launch):
                    runner.hurry()
                    nursery.cancel_scope.cancel()
                    began = trio.current_time()
                    await runner.state.wait_for(lambda state: isinstance(state, Exited))
                    print(f"hurried stop: {trio.current_time() - began:.3f} s")
    # Not the code: on its way out in a hurry, llama-server has been seen to crash.
    exited(runner)


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15])
async def test_one_that_loads_is_ended_at_once(here, after):
    runner = here.runner()
    with trio.fail_after(PATIENCE):
        with trio.move_on_after(after):
            await runner.run()
    exited(runner)


async def test_one_that_crashes_is_noticed_and_explained(here):
    runner = here.runner()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            await runner.state.wait_for(lambda state: isinstance(state, Ready))
            assert runner.child is not None
            psutil.Process(runner.child.pid).kill()
    if sys.platform != "win32":
        assert exited(runner).diagnosis.cause is Cause.KILLED


async def failed(runner: Runner) -> str:
    with trio.fail_after(PATIENCE), pytest.raises(StartFailed) as caught:
        await runner.run()
    print(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("damage", ["not a model", "half a header", "half a model", "missing"])
async def test_a_bad_file_is_named_as_the_cause(here, tmp_path, damage):
    model = tmp_path / "bad.gguf"
    match damage:
        case "not a model":
            model.write_bytes(b"hello" * 1000)
        case "half a header":
            model.write_bytes(here.model.read_bytes()[:1000])
        case "half a model":
            model.write_bytes(here.model.read_bytes()[: here.model.stat().st_size // 2])
    runner = here.runner(lambda: here.launch(model=model))

    message = await failed(runner)

    assert exited(runner).diagnosis.cause is Cause.BAD_MODEL
    assert "exit code" not in message


async def test_an_unknown_option_is_named_as_the_cause(here):
    assert "unknown option --foo" in await failed(here.runner(lambda: here.launch("--foo")))


async def test_a_taken_port_is_named_after_three_tries(here):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        taken = here.launch()
        command = tuple(str(port) if word == str(taken.port) else word for word in taken.command)
        runner = here.runner(lambda: evolve(taken, command=command, port=port))

        message = await failed(runner)

    assert f"port {port} is taken by another program" in message


async def test_a_port_lost_once_is_replaced(here):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = here.launch()
        port = holder.getsockname()[1]
        command = tuple(str(port) if word == str(taken.port) else word for word in taken.command)
        launches = iter([evolve(taken, command=command, port=port), here.launch()])
        async with running(here.runner(lambda: next(launches))) as ready:
            assert ready.launch.port != port


def limited(launch: Launch, kibibytes: int) -> Launch:
    """Return the same launch with less address space."""
    shell = ("/bin/sh", "-c", f'ulimit -v {kibibytes}; exec "$@"', "sh")
    return evolve(launch, command=(*shell, *launch.command))


@pytest.mark.skipif(sys.platform == "win32", reason="limits and loaders of Linux")
@pytest.mark.parametrize("engine", ENGINES[1:])
async def test_too_little_memory_and_a_missing_library_are_named(engine, chat_model, tmp_path):
    here = Here(engine, chat_model)
    runner = here.runner(lambda: limited(here.launch(), 150_000))
    assert "not enough memory" in await failed(runner)
    assert exited(runner).diagnosis.cause is Cause.OUT_OF_MEMORY

    runner = here.runner(lambda: limited(here.launch("--ctx-size", "65536"), 600_000))
    assert "could not be allocated (for the kv cache)" in await failed(runner)

    left_out = "libggml-base.so.0"
    for file in Path(engine).resolve().parent.iterdir():
        if file.name != left_out:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "llama-server").chmod(0o755)
    runner = Here(str(tmp_path / "llama-server"), chat_model).runner()
    assert f"{left_out} is missing" in await failed(runner)
