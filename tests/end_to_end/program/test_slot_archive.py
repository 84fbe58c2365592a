"""A model that comes back knows the prompts that it had read, on a real engine."""

from __future__ import annotations

import json
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import trio
from attrs import frozen

import llama_runner
from tests.conftest import RecordFigures
from tests.support.crowd import connected
from tests.support.served_program import ServedProgram, Setup, served

pytestmark = [pytest.mark.engine, pytest.mark.slow]

MODEL, OTHER = "m", "other"
WORDS = " ".join(f"word{number}" for number in range(330))
"""About 1,200 tokens of SmolLM2."""
PROMPT = f"Remember these words: {WORDS}. Which was the first?"
REUSED = 0.95
"""The share of its prompt that a model which comes back has to find."""


@frozen
class Answer:
    """What came of a question: how soon it began, what it said, what of its prompt was found."""

    first: float
    text: str
    cached: int
    read: int

    @property
    def reused(self) -> float:
        return self.cached / (self.cached + self.read)


async def ask(program: ServedProgram, model: str, text: str) -> Answer:
    """Ask for a stream on a connection of its own."""
    client, asked, first, body = await connected(program), time.monotonic(), 0.0, b""
    message = {"role": "user", "content": text}
    fields = {"model": model, "messages": [message], "max_tokens": 8, "temperature": 0}
    await client.request(body={**fields, "stream": True})
    assert (await client.head()).status_code == 200
    async for piece in client.pieces():
        if not first and b'"content":"' in piece:
            first = time.monotonic() - asked
        body += piece
    client.close()
    return _answer(first, body)


def _answer(first: float, body: bytes) -> Answer:
    lines = [line.removeprefix("data: ") for line in body.decode().split("\n")]
    events = [json.loads(line) for line in lines if line.startswith("{")]
    deltas = [choice["delta"] for event in events for choice in event.get("choices", ())]
    text = "".join(delta.get("content") or "" for delta in deltas)
    (timings,) = (event["timings"] for event in events if "timings" in event)
    return Answer(first, text, timings["cache_n"], timings["prompt_n"])


def setup(folder: Path, engine: tuple[str, ...], model: Path, **app: Any) -> Setup:
    name = engine[0] if len(engine) == 1 else "embedded"
    entry = {"path": str(model), "parameters": {"ctx-size": 4096, "parallel": 2}}
    other = {"path": str(model), "parameters": {"ctx-size": 512, "parallel": 1}}
    models = {"models": {MODEL: entry, OTHER: other}}
    return Setup(folder, name, {"scheduling": {"max_loaded": 1}, **app}, models)


async def swapped(program: ServedProgram) -> Answer:
    """Have the model unloaded and loaded again."""
    await ask(program, OTHER, "Count.")
    return await ask(program, MODEL, PROMPT)


async def archive_of(program: ServedProgram) -> Mapping[str, str]:
    """Return what the status says of the model's archive."""
    client = await connected(program, "dashboard")
    await client.request("GET", path="/api/status")
    status = (await client.reply()).json
    client.close()
    (found,) = (model for model in status["models"] if model["key"] == MODEL)
    return dict(found["slot_archive"])


def test_a_prompt_survives_a_swap(
    engine: tuple[str, ...],
    chat_model: Path,
    tmp_path: Path,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    rounds = 10 if soak else 2

    async def play(program: ServedProgram) -> tuple[Answer, list[Answer]]:
        cold = await ask(program, MODEL, PROMPT)
        back = []
        while (await archive_of(program))["state"] == "untried":
            # A busy machine may need more than one try.
            await swapped(program)
        for _ in range(rounds):
            back.append(await swapped(program))
        assert await archive_of(program) == {"state": "on", "detail": ""}
        return cold, back

    with served(setup(tmp_path, engine, chat_model)) as program:
        cold, back = trio.run(play, program)
    first = median(answer.first for answer in back)
    figures = {
        "tokens of the prompt": cold.read,
        "first token, cold, s": round(cold.first, 3),
        "first token after a swap, median, s": round(first, 3),
        "first token after a swap, longest, s": round(max(answer.first for answer in back), 3),
        "beside the cold one": round(first / cold.first, 4),
        "least share of the prompt that was found": min(answer.reused for answer in back),
    }
    print(figures)
    record_figures(f"slot-archive-{'llama-server' if len(engine) == 1 else 'embedded'}", figures)
    assert [answer.text for answer in back] == [cold.text] * rounds
    assert min(answer.reused for answer in back) >= REUSED


FORGETFUL = """#!{python}
import os, sys, tempfile
arguments = sys.argv[1:]
if "--slot-save-path" in arguments:
    arguments[arguments.index("--slot-save-path") + 1] = tempfile.mkdtemp(dir={folder!r})
os.environ["PYTHONPATH"] = {package!r}
os.execv({command!r}[0], [*{command!r}, *arguments])
"""
"""The engine, which saves its slots to another place at each start, and finds none again."""


def forgetful(engine: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    folder.mkdir()
    package = str(Path(llama_runner.__file__).parents[1])
    text = FORGETFUL.format(
        python=sys.executable, folder=str(folder), package=package, command=list(engine)
    )
    path = folder / "engine"
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return (str(path),)


def test_a_model_whose_slots_are_not_given_back_is_served_without(
    engine: tuple[str, ...], chat_model: Path, tmp_path: Path
) -> None:
    async def play(program: ServedProgram) -> list[Answer]:
        answers: list[Answer] = []
        while (told := await archive_of(program))["state"] == "untried" or len(answers) < 2:
            answers.append(await ask(program, MODEL, PROMPT))
            await ask(program, OTHER, "Count.")
        answers.append(await ask(program, MODEL, PROMPT))
        assert told["state"] == "off"
        assert told["detail"] in program.said
        return answers

    made = setup(tmp_path / "program", forgetful(engine, tmp_path / "engine"), chat_model)
    with served(made) as program:
        answers = trio.run(play, program)
    assert len({answer.text for answer in answers}) == 1
    assert {answer.cached for answer in answers} == {0}
    assert not list((tmp_path / "program" / "state" / "slots").glob("*.bin"))


def test_a_prompt_survives_the_program(
    engine: tuple[str, ...], chat_model: Path, tmp_path: Path
) -> None:
    async def first(program: ServedProgram) -> None:
        await ask(program, MODEL, PROMPT)
        while (await archive_of(program))["state"] == "untried":
            await swapped(program)

    made = setup(tmp_path, engine, chat_model)
    with served(made) as program:
        trio.run(first, program)
    files = list((tmp_path / "state" / "slots").glob("*.bin"))
    assert files
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    with served(made) as program:
        assert trio.run(ask, program, MODEL, PROMPT).reused >= REUSED


def test_nothing_is_kept_once_it_is_turned_off(
    engine: tuple[str, ...], chat_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "slots"
    with served(setup(tmp_path, engine, chat_model)) as program:
        trio.run(ask, program, MODEL, PROMPT)
    assert list(folder.glob("*.bin"))
    off = setup(tmp_path, engine, chat_model, slot_archive={"enabled": False})
    with served(off) as program:
        assert trio.run(ask, program, MODEL, PROMPT).cached == 0
        assert trio.run(archive_of, program)["state"] == "off"
        assert not any("--slot-save-path" in engine.cmdline() for engine in program.engines())
    assert not list(folder.iterdir())
