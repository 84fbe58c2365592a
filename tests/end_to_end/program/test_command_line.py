"""The command line, end to end: every command against a program that serves, and none."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from contextlib import closing, suppress

import pytest
from attrs import evolve

from llama_runner.config.app import DEFAULT_PORTS
from tests.support.served_program import (
    ANY_PORTS,
    PATIENCE,
    served,
)
from tests.support.zoo.bert import write_embedder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")


def get(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=PATIENCE) as answer:
        content: bytes = answer.read()
        return content


def test_the_ready_file_tells_what_stdout_tells(running):
    assert json.loads(running.setup.ready_file.read_text()) == running.ready
    assert set(running.ready) == {"pid", *DEFAULT_PORTS}
    assert running.ready["pid"] == running.process.pid
    assert get(f"{running.ready['ollama']}/") == b"Ollama is running"
    assert b"<html" in get(f"{running.ready['dashboard']}/").lower()
    assert get(f"{running.lmstudio}/lmstudio-greeting") == b'{"lmstudio":true}'


def test_status_tells_what_serves(running):
    plain = running.setup.run("status")
    assert plain.returncode == 0
    assert f"process {running.process.pid}" in plain.stdout
    assert all(running.ready[name] in plain.stdout for name in DEFAULT_PORTS)
    assert "tiny-embedder" in plain.stdout and "not loaded" in plain.stdout
    told = json.loads(running.setup.run("status", "--json").stdout)
    assert told["running"] is True
    assert told["pid"] == running.process.pid
    assert told["listeners"] == {name: running.ready[name] for name in DEFAULT_PORTS}
    (model,) = told["models"]
    assert (model["key"], model["state"]) == ("tiny-embedder", "not loaded")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_stop_ends_the_program_and_only_then_returns(running, form):
    done = running.setup.run("stop", *(["--json"] if form == "json" else []))
    running.ended(within=1)
    assert done.returncode == 0
    assert "stopping (POST /api/stop)" in running.said
    if form == "json":
        assert json.loads(done.stdout)["stopped"] is True
    else:
        assert done.stdout == f"stopped (process {running.process.pid})\n"


def test_nothing_is_told_of_a_program_that_has_ended(running):
    running.stop()
    assert running.setup.run("status").stdout == "nothing is serving\n"
    assert json.loads(running.setup.run("status", "--json").stdout) == {"running": False}
    stopped = running.setup.run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "nothing is serving\n")


def test_a_program_that_was_killed_is_not_taken_for_serving(running):
    running.process.kill()
    running.process.wait(PATIENCE)
    assert running.setup.run("status").stdout == "nothing is serving\n"


def test_models_tells_what_is_found_and_what_is_passed_over(small):
    plain = small.run("models")
    assert plain.returncode == 0
    assert "tiny-embedder" in plain.stdout
    assert "passed over" in plain.stdout and "torn.gguf: " in plain.stdout
    told = json.loads(small.run("models", "--json").stdout)
    (model,) = told["models"]
    assert (model["key"], model["kind"], model["context_length"]) == (
        "tiny-embedder",
        "embedding",
        128,
    )
    (passed_over,) = told["passed_over"]
    assert passed_over["path"].endswith("torn.gguf") and passed_over["reason"]


def test_a_model_is_found_where_the_configuration_says(small, tmp_path):
    elsewhere = write_embedder(tmp_path / "elsewhere" / "other.gguf")
    entries = {"mine": {"path": str(elsewhere)}, "lost": {"path": str(tmp_path / "lost.gguf")}}
    small = evolve(small, models={"models": entries})
    told = json.loads(small.run("models", "--json").stdout)
    assert [model["key"] for model in told["models"]] == ["mine", "tiny-embedder"]
    (problem,) = told["problems"]
    assert problem.startswith("models.lost: ") and "lost.gguf" in problem
    assert "models.lost: " in small.run("validate").stdout


def test_validate_tells_what_would_be_served(small):
    plain = small.run("validate")
    assert plain.returncode == 0
    assert "the configuration is valid" in plain.stdout
    assert "models: 1 found, 1 files passed over" in plain.stdout
    told = json.loads(small.run("validate", "--json").stdout)
    assert told["valid"] is True
    assert told["models"] == ["tiny-embedder"]


@pytest.mark.parametrize("command", ["start", "validate"])
def test_a_bad_configuration_ends_it_with_code_2_and_every_problem(small, command):
    small = evolve(
        small,
        app={"listeners": {"ollama": {"port": "11434x"}}, "relay": {"heartbeat_aftr": 1}},
        models={"defaults": {"parameters": {"port": 8080}}},
    )
    done = small.run(command)
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'listeners.ollama.port: expected an integer from 1 to 65535, got "11434x"' in done.stderr
    assert "heartbeat_aftr" in done.stderr and "heartbeat_after" in done.stderr
    assert "defaults.parameters.port" in done.stderr
    assert "Traceback" not in done.stderr
    told = json.loads(small.run(command, "--json").stdout)
    assert len(told["problems"]) == 3


def test_an_engine_that_is_not_there_ends_it_with_code_2(small, tmp_path):
    done = evolve(small, engine=str(tmp_path / "no-llama-server")).run("start")
    assert done.returncode == 2
    assert "no-llama-server is not on this machine" in done.stderr


def test_a_port_that_was_chosen_and_is_taken_ends_it_with_code_3_naming_the_holder(
    running, tmp_path
):
    port = running.lmstudio.rpartition(":")[2]
    second = evolve(running.setup, folder=tmp_path / "second")
    ports = ("--lmstudio-port", port, "--ollama-port", "off", "--dashboard-port", "off")
    done = second.run("start", *ports)
    assert done.returncode == 3
    assert f"127.0.0.1:{port} is taken by " in done.stderr
    assert f"(process {running.process.pid})" in done.stderr
    assert "Traceback" not in done.stderr
    told = json.loads(second.run("start", *ports, "--json").stdout)
    assert port in told["error"]


def test_a_state_folder_that_is_held_ends_it_with_code_2_naming_the_holder(running):
    note = running.setup.folder / "state" / "running.json"
    before = note.read_text("utf-8")
    done = running.setup.run("start", *ANY_PORTS)
    assert done.returncode == 2
    assert f"is held by process {running.process.pid} ({running.lmstudio}, " in done.stderr
    assert "Traceback" not in done.stderr
    assert note.read_text("utf-8") == before
    running.process.kill()
    running.process.wait(PATIENCE)
    with served(running.setup) as second:
        assert json.loads(note.read_text("utf-8"))["pid"] == second.process.pid


def test_the_log_is_written_where_the_configuration_says(running):
    running.stop()
    log = (running.setup.folder / "logs" / "llama-runner.log").read_text("utf-8")
    assert f"lmstudio: {running.lmstudio}" in log


def test_a_default_port_that_is_taken_only_leaves_its_listener_out(small):
    port = DEFAULT_PORTS["ollama"]
    with closing(socket.socket()) as holder:
        with suppress(OSError):  # it may be taken on this machine already
            holder.bind(("127.0.0.1", port))
            holder.listen()
        with served(small, "--lmstudio-port", "0", "--dashboard-port", "0") as program:
            assert program.ready["ollama"] is None
            assert get(f"{program.lmstudio}/v1/models")
            assert get(f"{program.ready['dashboard']}/")
    assert f"WARNING the ollama listener is off: 127.0.0.1:{port} " in program.said


def test_a_listener_can_be_left_out(small):
    ports = ("--lmstudio-port", "0", "--ollama-port", "off", "--dashboard-port", "off")
    with served(small, *ports) as program:
        assert program.ready["ollama"] is None
        assert program.ready["dashboard"] is None
        done = program.setup.run("status")
        assert done.returncode == 1
        assert "dashboard is off" in done.stderr


def test_a_model_is_loaded_pinned_shown_and_unloaded(program):
    run = program.setup.run
    seen = json.loads(run("load", "tiny-embedder", "--check", "--json").stdout)
    assert seen["can_load"] and seen["bytes"]["ram"] > 0
    done = run("load", "Tiny-Embedder")
    assert (done.returncode, done.stdout) == (0, "tiny-embedder is loaded\n"), done.stderr
    assert run("pin", "tiny-embedder").stdout == "tiny-embedder is pinned\n"
    (line,) = (text for text in run("ps").stdout.splitlines() if "tiny-embedder" in text)
    assert "ready" in line and "of ram" in line and line.endswith("pinned")
    assert run("unpin", "tiny-embedder").stdout == "tiny-embedder is no longer pinned\n"
    assert run("unload", "tiny-embedder").stdout == "tiny-embedder was unloaded\n"
    told = json.loads(run("ps", "--json").stdout)
    assert "tiny-embedder" not in {model["key"] for model in told["models"]}
    assert run("unload", "tiny-embedder").stdout == "tiny-embedder was not loaded\n"


@pytest.mark.parametrize("command", ["load", "unload", "pin", "unpin"])
def test_a_model_that_is_not_there_is_named(program, command):
    done = program.setup.run(command, "nobody")
    assert done.returncode == 1
    assert "no model is called 'nobody'" in done.stderr


@pytest.mark.parametrize("command", ["ps", "load", "unload", "pin"])
def test_without_a_program_that_serves_there_is_nothing_to_control(small, command):
    done = small.run(command, *(["x"] if command != "ps" else []))
    assert (done.returncode, done.stderr) == (1, "nothing is serving; main.py start does\n")


def test_the_loads_so_far_are_told_step_by_step(program, tmp_path):
    run = program.setup.run
    run("unload", "tiny-embedder")
    assert run("load", "tiny-embedder").returncode == 0
    *_, load = json.loads(run("timeline", "--json").stdout)["loads"]
    assert (load["model"], load["outcome"]) == ("tiny-embedder", "loaded")
    named = sum(step["seconds"] for step in load["steps"])
    assert named >= 0.95 * load["seconds"]
    assert "load" in {step["name"] for step in load["steps"]}
    shown = run("timeline").stdout
    assert "tiny-embedder" in shown and " s  load" in shown
    trace = tmp_path / "trace.json"
    assert "perfetto" in run("timeline", "--chrome", str(trace)).stdout
    events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    assert {"M", "X"} <= {event["ph"] for event in events}
    refused = run("timeline", "--chrome", str(tmp_path / "nowhere" / "trace.json"))
    assert refused.returncode == 2 and "cannot be written" in refused.stderr
    run("unload", "tiny-embedder")
