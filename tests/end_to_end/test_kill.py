"""kill -9 of the program at random moments of all it does: nothing is left a second later."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from llama_runner.cli import ExitCode
from tests.support.killing import SLOWED, WRAPPED, Killed, asked, kill, runs, script, until
from tests.support.served_program import ANY_PORTS, ServedProgram, Setup, assert_gone, served

if sys.platform == "win32":
    pytest.skip("there, the job object does it", allow_module_level=True)
assert sys.platform != "win32"  # for mypy --platform

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PHASES = ("idle", "loading", "prefill", "streaming", "wrapper")
LOADING, PREFILL, TOKEN = b": loading", b": prompt", b"data: {"
SHORT, LONG = "Tell me a story.", "word " * 3000


@pytest.fixture
def setup(engine: tuple[str, ...], chat_model: Path, tmp_path: Path) -> Setup:
    """Return a setup that tells a waiting client at once what is going on."""
    model = tmp_path / "chat.gguf"
    model.symlink_to(chat_model)
    parameters = {"ctx-size": 8192, "parallel": 1, "threads": 1, "batch-size": 64}
    return Setup(
        tmp_path,
        "embedded" if is_embedded(engine) else engine[0],
        app={
            "relay": {"heartbeat_after": 0.01, "heartbeat_every": 0.01},
            "shutdown": {"grace": 0.1},
        },
        models={"models": {"chat": {"path": str(model), "parameters": parameters}}},
    )


def is_embedded(engine: tuple[str, ...]) -> bool:
    return "llama_runner.embedded" in engine


def command(engine: tuple[str, ...]) -> tuple[str, ...]:
    """Return what runs the engine from a script, with an environment that is not ours."""
    return ("env", f"PYTHONPATH={os.getcwd()}", *engine) if is_embedded(engine) else engine


def in_phase(setup: Setup, engine: tuple[str, ...], phase: str, moment: float) -> Killed:
    """Bring a program into this phase and kill it at this moment of it."""
    if phase in ("loading", "wrapper"):
        text = SLOWED if phase == "loading" else WRAPPED
        wrapped = script(setup.folder / "engine.sh", text, command(engine))
        setup = evolve(setup, engine=str(wrapped))
    wanted = {"loading": LOADING, "prefill": PREFILL}.get(phase, TOKEN)
    with served(setup) as program:
        with asked(program, LONG if phase == "prefill" else SHORT) as lines:
            until(lines, wanted)
            if phase != "idle":
                return later(program, phase, moment)
        return later(program, phase, moment)


def later(program: ServedProgram, phase: str, moment: float) -> Killed:
    with pytest.raises(subprocess.TimeoutExpired):
        program.process.wait(moment)
    return kill(program, phase)


def test_nothing_is_left_a_second_after_a_kill(setup, engine, soak, record_figures):
    count = 50 if soak else len(PHASES)
    moments = random.Random(20261122)  # noqa: S311 - repeatable, not secret
    killed = [
        in_phase(setup, engine, phase, moments.uniform(0, 2.0 if phase == "loading" else 0.5))
        for phase in [PHASES[number % len(PHASES)] for number in range(count)]
    ]
    print(figures := summary(killed))
    record_figures("kill-embedded" if is_embedded(engine) else "kill-llama-server", figures)
    assert [one for one in killed if one.gone_after is None] == []
    assert all(one.processes > 1 for one in killed)


def summary(killed: Sequence[Killed]) -> dict[str, object]:
    """Return how many of each phase were gone in time, and how soon."""
    figures: dict[str, object] = {}
    for phase in PHASES:
        ours = [one for one in killed if one.phase == phase]
        gone = [one.gone_after for one in ours if one.gone_after is not None]
        figures[phase] = {
            "kills": len(ours),
            "nothing left within a second": len(gone),
            "gone after ms, median": round(1000 * statistics.median(gone)) if gone else None,
            "gone after ms, largest": round(1000 * max(gone)) if gone else None,
        }
    return figures


def test_a_closed_terminal_is_a_stop_like_any_other(setup):
    with served(setup) as program:
        with asked(program, SHORT) as lines:
            until(lines, TOKEN)
            program.signal(signal.Signals["SIGHUP"])
            assert until(lines, b"data: [DONE]")
        program.ended()


def test_what_outlives_us_and_our_watcher_is_ended_by_the_next_start(setup, engine):
    wrapped = script(setup.folder / "engine.sh", WRAPPED, command(engine))
    setup = evolve(setup, engine=str(wrapped))
    with served(setup) as program:
        with asked(program, SHORT) as lines:
            until(lines, TOKEN)
            engines, (watcher,) = program.engines(), set(program.family()) - set(program.engines())
            program.process.send_signal(
                signal.Signals["SIGSTOP"]
            )  # or it would start another watcher
            watcher.kill()
            program.process.kill()
            program.process.wait()
    strays = [process for process in engines if runs(process)]
    assert strays
    with served(setup) as program:
        assert_gone(engines, within=0)
        assert "an earlier run left chat" in program.said


def test_a_program_that_is_refused_our_state_folder_leaves_our_children_alone(setup):
    with served(setup) as program:
        with asked(program, SHORT) as lines:
            until(lines, TOKEN)
        (engine,) = program.engines()
        assert setup.run("start", *ANY_PORTS).returncode == ExitCode.CONFIGURATION
        assert runs(engine)
