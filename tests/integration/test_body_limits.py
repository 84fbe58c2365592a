"""What the bodies of all requests may take together."""

from __future__ import annotations

import orjson
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from tests.support.front_cases import BODY, everywhere, post
from tests.support.front_door import ask, next_reply
from tests.support.http_client import RawClient
from tests.support.program import STREAM, Program, open_program
from tests.support.scripted_engine import FOREVER, ScriptedEngine, TokenScript

ROOM = AppConfig(limits=LimitsConfig(max_body_bytes=2000, total_body_bytes=3000))
PADDED = BODY + b" " * (1500 - len(BODY))
HEAD = f"Content-Length: {len(PADDED)}"


async def unfinished(program: Program, kind: str = "relay", came: int = 1400) -> RawClient:
    """Return a client that has sent so much of a request's body."""
    client = program.client()
    await client.send(post(kind, HEAD))
    await wait_all_tasks_blocked()
    await client.send(PADDED[:came])
    await wait_all_tasks_blocked()
    return client


@everywhere
@pytest.mark.parametrize("framing", [HEAD, "Transfer-Encoding: chunked"])
async def test_all_bodies_together_have_a_limit(
    autojump_clock: MockClock, kind: str, framing: str
) -> None:
    async with open_program(config=ROOM) as program:
        waiting = [await unfinished(program, kind) for _ in range(2)]
        third = program.client()
        await third.send(post(kind, framing))
        await wait_all_tasks_blocked()
        body = b"5dc\r\n" + PADDED + b"\r\n0\r\n\r\n" if "chunked" in framing else PADDED
        reply = await ask(third, body)
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        for client in waiting:
            assert (await ask(client, PADDED[1400:])).status == 200


@pytest.mark.parametrize("how", ["answered", "left", "refused"])
async def test_a_body_gives_its_room_back(autojump_clock: MockClock, how: str) -> None:
    async with open_program(config=ROOM) as program:
        for _ in range(5):
            client = await unfinished(program)
            if how == "left":
                client.close()
            elif how == "refused":
                await trio.sleep(60)  # too slow
                assert (await next_reply(client)).status == 408
            else:
                assert (await ask(client, PADDED[1400:])).status == 200
            await wait_all_tasks_blocked()
        assert program.front._shares.bodies.held == 0


async def test_a_body_takes_room_for_as_long_as_its_answer_runs(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(config=ROOM, engine=engine) as program:
        streaming = program.client()
        await streaming.send(post("relay", HEAD))
        await wait_all_tasks_blocked()
        await streaming.send(orjson.dumps(STREAM).ljust(len(PADDED)))
        await streaming.receive()
        assert program.front._shares.bodies.held == 1500
        streaming.close()
        await wait_all_tasks_blocked()
        assert program.front._shares.bodies.held == 0


async def test_small_requests_are_served_though_there_is_no_room(
    autojump_clock: MockClock,
) -> None:
    async with open_program(config=ROOM) as program:
        for _ in range(2):
            await unfinished(program, came=1499)
        for body in (BODY, BODY):
            request = post("relay", f"Content-Length: {len(body)}", body=body)
            assert (await ask(program.client(), request)).status == 200


async def test_one_body_always_has_room(autojump_clock: MockClock) -> None:
    config = AppConfig(limits=LimitsConfig(max_body_bytes=2000, total_body_bytes=1))
    async with open_program(config=config) as program:
        assert (await ask(await unfinished(program), PADDED[1400:])).status == 200
