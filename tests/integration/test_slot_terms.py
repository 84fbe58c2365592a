"""What reaches the engine of the choice of a slot."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from llama_runner.config.scheduling import SchedulingConfig
from tests.support.access_cases import KEYED
from tests.support.program import CHAT, Program, open_program
from tests.support.scripted_engine import Asked, EngineConnection

FIRST, SECOND = ({"authorization": f"Bearer {name}-key"} for name in ("first", "second"))


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {**CHAT, "messages": [{"role": "user", "content": text}], **more}


async def ask(
    program: Program, body: dict[str, Any], headers: dict[str, str] | None = None, path: str = ""
) -> dict[str, Any]:
    """Ask for an answer; return the body that reached the engine."""
    client = program.client()
    await client.request(body=body, headers=headers, path=path or "/v1/chat/completions")
    assert (await client.reply()).status == 200
    client.close()
    body = program.engine.asked[-1].body
    return {name: body[name] for name in ("id_slot", "cache_prompt") if name in body}


async def refuse(_: Asked, connection: EngineConnection) -> None:
    """Refuse what was asked before its prompt is read."""
    await connection.whole(400, {"error": {"code": 400, "message": "too long"}})


async def test_each_conversation_is_sent_to_its_own_slot(autojump_clock: MockClock) -> None:
    async with open_program(slots=2) as program:
        for _ in range(3):
            assert await ask(program, chat("one")) == {"id_slot": 0}
            assert await ask(program, chat("other")) == {"id_slot": 1}


async def test_a_slot_of_the_clients_own_choice_is_not_taken(autojump_clock: MockClock) -> None:
    async with open_program(slots=2) as program:
        asked = await ask(program, chat("one", id_slot=1, cache_prompt=False))
    assert asked == {"id_slot": 0, "cache_prompt": False}


async def test_with_one_slot_nothing_is_added(autojump_clock: MockClock) -> None:
    async with open_program(slots=1) as program:
        assert await ask(program, chat("one")) == {}


async def test_a_prompt_to_be_continued_has_a_slot_as_well(autojump_clock: MockClock) -> None:
    async with open_program(slots=2) as program:
        for text, slot in (("one", 0), ("other", 1), ("one", 0)):
            body = {"model": "a", "prompt": text}
            assert await ask(program, body, path="/v1/completions") == {"id_slot": slot}


async def test_what_a_slot_holds_for_another_client_is_not_used(autojump_clock: MockClock) -> None:
    async with open_program(slots=1, config=KEYED) as program:
        assert await ask(program, chat("hello"), FIRST) == {}
        assert await ask(program, chat("hello"), SECOND) == {"cache_prompt": False}
        assert await ask(program, chat("hello"), SECOND) == {}
        assert await ask(program, chat("hello"), FIRST) == {"cache_prompt": False}


async def test_it_is_used_where_clients_share(autojump_clock: MockClock) -> None:
    config: AppConfig = evolve(KEYED, scheduling=SchedulingConfig(share_prompts=True))
    async with open_program(slots=2, config=config) as program:
        for client in (FIRST, SECOND):
            assert await ask(program, chat("hello"), client) == {"id_slot": 0}


async def test_an_answer_that_is_refused_leaves_what_the_slot_held(
    autojump_clock: MockClock,
) -> None:
    async with open_program(slots=1, config=KEYED) as program:
        await ask(program, chat("hello"), FIRST)
        usual, program.engine.script = program.engine.script, refuse
        client = program.client()
        await client.request(body=chat("hello"), headers=SECOND)
        assert (await client.reply()).status == 400
        program.engine.script = usual
        assert await ask(program, chat("hello"), SECOND) == {"cache_prompt": False}
