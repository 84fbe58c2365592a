"""Agents that take turns on one model, on a real engine: each finds its prompt still read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field

from tests.conftest import RecordFigures
from tests.support.crowd import connected
from tests.support.served_program import ServedProgram, Setup, served

pytestmark = [pytest.mark.engine, pytest.mark.slow]

AGENTS = ("ada", "bob", "cyd")
OF_ONE = 0.95
"""The share of cached tokens, beside that of an agent that has the engine to itself."""


@define(eq=False)
class Agent:
    """One conversation that grows by a turn each time."""

    name: str
    messages: list[dict[str, str]] = field(init=False)
    cached: int = 0
    read: int = 0

    def __attrs_post_init__(self) -> None:
        rules = " ".join(f"Rule {number}: {self.name} keeps order." for number in range(20))
        self.messages = [{"role": "system", "content": rules}]

    async def ask(self, program: ServedProgram, turn: int) -> None:
        """Take a turn, and count what of the prompt was found and what was read."""
        self.messages.append({"role": "user", "content": f"What comes after {turn}?"})
        reply = await _asked(program, self.messages)
        self.messages.append(reply["choices"][0]["message"])
        if turn:
            self.cached += reply["timings"]["cache_n"]
            self.read += reply["timings"]["prompt_n"]

    @property
    def share(self) -> float:
        """How much of all prompts but the first was found."""
        return self.cached / (self.cached + self.read)


async def _asked(program: ServedProgram, messages: list[dict[str, str]]) -> Any:
    client = await connected(program)
    await client.request(body={"model": "m", "messages": messages, "max_tokens": 6})
    reply = await client.reply()
    client.close()
    assert reply.status == 200
    return reply.json


async def _alone(program: ServedProgram, turns: int) -> float:
    agent = Agent(AGENTS[0])
    for turn in range(turns):
        await agent.ask(program, turn)
    return agent.share


async def _in_turns(program: ServedProgram, turns: int) -> dict[str, float]:
    agents = [Agent(name) for name in AGENTS]
    for turn in range(turns):
        for agent in agents:
            await agent.ask(program, turn)
            title = f"Find a title: talk {turn} of {agent.messages[0]['content'][-20:]}"
            await _asked(program, [{"role": "user", "content": title}])
    return {name: agent.share for name, agent in zip(AGENTS, agents, strict=True)}


def test_agents_that_take_turns_do_not_wipe_each_other(
    engine: tuple[str, ...],
    chat_model: Path,
    tmp_path: Path,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    turns = 20 if soak else 3
    name = engine[0] if len(engine) == 1 else "embedded"
    slots = len(AGENTS) + 1
    parameters = {"ctx-size": slots * 4096, "parallel": slots}
    models = {"models": {"m": {"path": str(chat_model), "parameters": parameters}}}
    with served(Setup(tmp_path / "first", name, {}, models)) as program:
        alone = trio.run(_alone, program, turns)
    with served(Setup(tmp_path / "second", name, {}, models)) as program:
        shares = trio.run(_in_turns, program, turns)
    figures = {
        "turns": turns,
        "share of cached tokens, alone": round(alone, 4),
        "in turns, with short calls between": {key: round(of, 4) for key, of in shares.items()},
    }
    print(figures)
    record_figures(f"slots-{'embedded' if name == 'embedded' else 'llama-server'}", figures)
    for share in shares.values():
        assert share >= OF_ONE * alone
