"""The runner over a real engine: readiness and failed starts."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import psutil
import pytest
import trio
from attrs import evolve

from llama_runner.errors import StartFailed
from llama_runner.runner.diagnosis import Cause
from llama_runner.runner.launch import Launch
from llama_runner.runner.runner import Runner
from llama_runner.runner.state import Ready
from tests.support.engine_runner import ENGINES, PATIENCE, Here, exited, running

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(params=ENGINES, ids=lambda engine: Path(engine).name)
def here(request, chat_model):
    return Here(request.param, chat_model)


async def test_it_becomes_ready_and_its_settings_are_what_was_asked(here, caplog):
    runner = here.runner()
    async with running(runner) as ready:
        assert ready.meta
        child = runner.child
        assert child is not None
        assert await child.control.is_ready()
        assert [slot.busy for slot in await child.control.slots()] == [False, False]
        assert (await child.control.props())["total_slots"] == 2
        stranger = httpx.AsyncClient(base_url=ready.launch.endpoint, trust_env=False)
        async with stranger:
            assert (await stranger.get("/props")).status_code == 401
    assert not caplog.records


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
