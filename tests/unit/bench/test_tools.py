from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from llama_runner.runner.port import free_port
from tests.bench.asking import ask, settle, told_by
from tests.bench.process import CHAT, HOST, Served, calm_down, served
from tests.bench.program.whole import MODEL
from tests.bench.tools.building import Tools, find_tools, python_tools
from tests.bench.tools.engine import LOADING, STATE
from tests.bench.tools.loading import Shape, under_load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("tools", [find_tools(), python_tools()], ids=["found", "python"]),
]


def test_the_tools_count_alike(tools: Tools) -> None:
    shapes = [
        Shape(streams=2, tokens=3),
        Shape(streams=2),
        Shape(streams=2, tokens=3, streamed=False),
    ]
    with served((*tools.upstream, "0"), MODEL) as upstream:
        seen = []
        for shape in shapes:
            with settle(upstream), under_load(tools.load, upstream, shape, 0.01, 0.05) as one:
                seen.append(one)
        assert told_by(upstream)["busy"] == 0
        assert told_by(upstream)["broken_off"] > 0 and told_by(upstream)["broken_off_at"] > 0
        assert upstream.process is not None
        calm_down(upstream.process)
    short, endless, joined = seen
    assert not any(one.errors for one in seen)
    assert short.requests > 0 and 2 < short.chunks / short.requests < 4 and short.first_byte
    assert endless.requests == 0 and endless.chunks > 100 and endless.delay
    assert endless.gap["count"] > 100 and 0 <= endless.gap["p50"] <= endless.gap["p99"]
    assert joined.requests > 0 and joined.chunks == 0 and joined.processor


@pytest.mark.parametrize("silent", [False, True])
def test_the_upstream_is_an_engine_that_a_program_may_start(
    tools: Tools, silent: bool, tmp_path: Path
) -> None:
    flags = ["--port", "0", "--parallel", "2", "--ctx-size", "512", "--bench-loads-for", "20"]
    command = [str(tools.engine_in(tmp_path)), *flags, *(["--bench-silent"] if silent else [])]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LLAMA_API_KEY": "secret"},
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        if not silent:
            said = [json.loads(process.stdout.readline().removeprefix(STATE)) for _ in range(2)]
            assert [state["state"] for state in said] == ["loading", "ready"]
            assert said[0]["payload"] == LOADING
        process.stdin.write("cmd_router_to_child:exit\n")
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(10) == 0


def test_the_upstream_tells_what_an_engine_tells_to_whoever_has_the_key(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_API_KEY", "secret")
    port = free_port()
    flags = ["--port", str(port), "--parallel", "2", "--ctx-size", "512"]
    with subprocess.Popen(
        [str(tools.engine_in(tmp_path)), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        for _ in range(2):
            process.stdout.readline()
        engine = Served(HOST, port, CHAT, MODEL, key="secret")
        assert told_by(engine, "/health") == {"status": "ok"}
        assert told_by(engine, "/props")["total_slots"] == 2
        assert told_by(engine, "/props")["default_generation_settings"] == {"n_ctx": 256}
        idle = [{"id": number, "is_processing": False} for number in range(2)]
        assert told_by(engine, "/slots") == idle
        assert told_by(engine)["first_asked_at"] == 0
        assert ask(engine, {"stream": True, "bench_tokens": 3}).events > 3
        told = told_by(engine)
        assert 0 < told["ready_at"] < told["first_asked_at"] and told["requests"] == 1
        process.communicate()
