"""The whole program on Windows, with the real llama-server.exe where it is configured."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import psutil
import pytest
import trio

from tests.windows.program import (
    CHAT,
    ENDLESS,
    GONE_WITHIN,
    PATIENCE,
    Installed,
    Served,
    gone_after,
    install,
    served,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def installed(shipped_engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("張 庭 綱"))


async def first_token(lines: AsyncIterator[str]) -> None:
    async for line in lines:
        if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get(
            "content"
        ):
            return


async def until_serving(program: Served, count: int) -> None:
    with trio.fail_after(PATIENCE):
        while True:
            (model,) = (await program.status())["models"]
            if model["serving"] == count:
                return
            await trio.sleep(0.02)


async def test_the_shipped_configuration_serves_a_streamed_chat(installed):
    async with served(installed) as program:
        assert (await program.status())["engine"] == r"F:\llm\llama\llama-server.exe"
        async with program.stream({**CHAT, "stream": True, "max_tokens": 24}) as lines:
            told = [line async for line in lines if line.startswith("data: ")]
        assert told[-1] == "data: [DONE]"
        chunks = [json.loads(line[6:]) for line in told[:-1]]
        words = [
            chunk["choices"][0]["delta"].get("content") for chunk in chunks if chunk["choices"]
        ]
        assert len("".join(filter(None, words))) > 10
        url = f"{program.ready['lmstudio']}/v1/chat/completions"
        whole = (await program.client.post(url, json={**CHAT, "max_tokens": 8})).json()
        assert whole["choices"][0]["message"]["content"]


async def test_a_client_that_leaves_stops_the_engine_and_stop_ends_everything(installed):
    async with served(installed) as program:
        async with program.stream(ENDLESS) as lines:
            await first_token(lines)
            assert len(program.engines()) == 1
        # A lease returns only once the slot is seen idle.
        await until_serving(program, 0)
        engines = program.engines()
        async with program.stream(ENDLESS) as lines:
            await first_token(lines)
            code, said = await installed.run("stop", "--state-dir", str(installed.state))
            assert (code, said) == (0, f"stopped (process {program.pid})\n".replace("\n", "\r\n"))
            rest = [line async for line in lines if line]
        assert "error" in rest[-2] or rest[-1] == "data: [DONE]"
        assert await program.ended() == 0
        assert await gone_after(engines) < GONE_WITHIN


async def ask(program: Served, state: str, spoken: trio.Event) -> None:
    """Ask for what brings the engine into this state, and listen until somebody hangs up."""
    fields = {**ENDLESS, "max_tokens": 1} if state == "idle" else ENDLESS
    if state == "prefill":
        fields = {**ENDLESS, "messages": [{"role": "user", "content": "once upon a time " * 800}]}
    with suppress(httpx.TransportError):
        async with program.stream(fields) as lines:
            await first_token(lines)
            spoken.set()
            _ = [line async for line in lines]


async def until_in(state: str, program: Served, spoken: trio.Event) -> None:
    """Wait until the engine is in this state."""
    if state == "loading":
        while not program.engines():  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.005)
    elif state == "prefill":
        await until_serving(program, 1)
    else:
        await spoken.wait()
        if state == "idle":
            await until_serving(program, 0)


@pytest.mark.parametrize("victim", ["program", "bootstrap"])
async def test_no_engine_outlives_a_hard_kill(installed, soak, victim):
    states = ("idle", "loading", "prefill", "streaming")
    seen = []
    for number in range(24 if soak else 4):
        state = states[number % 4]
        async with served(installed) as program, trio.open_nursery() as nursery:
            spoken = trio.Event()
            nursery.start_soon(ask, program, state, spoken)
            with trio.fail_after(PATIENCE):
                await until_in(state, program, spoken)
            engines = program.engines()
            pids = {"program": program.pid, "bootstrap": program.process.pid}
            everyone = [*map(psutil.Process, pids.values()), *engines]
            psutil.Process(pids[victim]).kill()
            seen.append((state, len(engines), await gone_after(everyone)))
            assert await program.ended() != 0
    print(f"killed the {victim}: {seen}")
    assert all(engines == 1 and took < GONE_WITHIN for _, engines, took in seen)
