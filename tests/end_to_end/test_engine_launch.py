"""Real launches: the embedded engine, and a llama-server where there is one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import orjson
import pytest
from attrs import frozen

from llama_runner.config.models import ModelConfig
from llama_runner.runner.command import build_launch
from llama_runner.runner.engine import resolve_engine
from llama_runner.runner.launch import Launch
from tests.support.engine_runner import WATCHED
from tests.support.model_cards import model_card

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ENGINES = ["embedded", *filter(None, [os.environ.get("LLAMA_RUNNER_TEST_ENGINE")])]
STATE = "cmd_child_to_router:state:"
EXIT = "cmd_router_to_child:exit\n"
PATIENCE = 120


@frozen
class Running:
    """One child and a client that has its key."""

    launch: Launch
    process: subprocess.Popen[str]
    client: httpx.Client

    def states(self) -> Iterator[Mapping[str, Any]]:
        """Yield the states from its stdout, which holds nothing else, up to ready."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            assert line.startswith(STATE)
            state = orjson.loads(line.removeprefix(STATE))
            yield state
            if state["state"] == "ready":
                return

    def send(self, text: str) -> None:
        """Write to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def endless_story(self) -> Any:
        """Open a stream that does not end by itself."""
        body = {"prompt": "Once", "stream": True, "n_predict": 4000, "ignore_eos": True}
        return self.client.stream("POST", "/completion", json=body)


@contextmanager
def running(engine: str, model: Path, **parameters: Any) -> Iterator[Running]:
    """Run one launch until the block is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = ModelConfig(parameters=parameters)
    card = model_card(path=model)
    launch = build_launch(
        resolve_engine(engine, ""), "the,key", card, config, port=port, inherited=os.environ
    )
    with subprocess.Popen(
        launch.command,
        env=launch.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        try:
            with httpx.Client(
                base_url=launch.endpoint,
                headers={"authorization": f"Bearer {launch.api_key}"},
                timeout=PATIENCE,
                # The engine hangs up on idle connections just when one asks again.
                limits=httpx.Limits(max_keepalive_connections=0),
                trust_env=False,
            ) as client:
                yield Running(launch, process, client)
        finally:
            process.kill()


@pytest.fixture(scope="module", params=ENGINES, ids=["embedded", "llama-server"][: len(ENGINES)])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def served(engine: str, chat_model: Path) -> Iterator[tuple[Running, list[Mapping[str, Any]]]]:
    with running(engine, chat_model) as child:
        yield child, list(child.states())


def test_it_tells_that_it_loads_and_what_is_ready(served):
    _, states = served
    assert {state["state"] for state in states[:-1]} == {"loading"}
    assert states[0]["payload"]["value"] == 0.0
    assert states[-2]["payload"]["value"] == 1.0
    ready = states[-1]["payload"]
    assert ready["id"] == "the_key"
    assert ready["meta"]["n_ctx_train"] == 8192


def test_the_engine_took_what_was_said(served):
    child, _ = served
    props = child.client.get("/props").json()
    assert props["total_slots"] == child.launch.slots == 2
    assert props["default_generation_settings"]["n_ctx"] == 8192
    assert props["model_alias"] == "the_key"
    assert not props["endpoint_metrics"] and not props["endpoint_props"]
    slots = child.client.get("/slots").json()
    assert [(slot["n_ctx"], slot["is_processing"]) for slot in slots] == [(8192, False)] * 2


def test_nothing_is_answered_without_the_key(served):
    child, _ = served
    bare = httpx.get(f"{child.launch.endpoint}/props", trust_env=False, timeout=PATIENCE)
    assert bare.status_code == 401
    assert child.client.get("/health").json() == {"status": "ok"}


def test_a_chat_streams_real_tokens(served):
    child, _ = served
    body = {
        "messages": [{"role": "user", "content": "Say hello."}],
        "stream": True,
        "max_tokens": 8,
        "return_progress": True,
    }
    answer = child.client.post("/v1/chat/completions", json=body).text
    events = [orjson.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")]
    assert any("prompt_progress" in event for event in events)
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events[:-1])
    assert text.strip()
    assert answer.endswith("data: [DONE]\n\n")


def test_two_slots_run_at_once_and_one_that_leaves_does_not_stop_the_other(served):
    child, _ = served

    def busy() -> int:
        return sum(slot["is_processing"] for slot in child.client.get("/slots").json())

    with child.endless_story() as staying:
        lines = staying.iter_lines()
        next(lines)
        with child.endless_story() as leaving:
            # A generator that nobody holds is closed, and with it the connection.
            left_lines = leaving.iter_lines()
            next(left_lines)
            assert busy() == 2
        for line in lines:
            if line and busy() == 1:
                break
        assert next(lines) is not None


def test_an_embedding_is_a_vector_of_length_one(engine, chat_model):
    with running(engine, chat_model, embedding=True, pooling="mean") as child:
        assert list(child.states())[-1]["state"] == "ready"
        answer = child.client.post("/v1/embeddings", json={"input": ["a cat", "a dog"]}).json()
        vectors = [entry["embedding"] for entry in answer["data"]]
        assert [len(vector) for vector in vectors] == [576, 576]
        assert sum(part * part for part in vectors[0]) == pytest.approx(1.0, abs=1e-3)


def test_the_exit_line_ends_it_with_code_0(engine, chat_model):
    with running(engine, chat_model) as child:
        assert list(child.states())[-1]["state"] == "ready"
        # It says that it is ready an instant before it is, and an exit line in between may be
        # lost; what answers this, unlike /health, also heeds that.
        child.client.get("/slots")
        child.client.close()
        child.send(EXIT)
        assert child.process.wait(PATIENCE) in {0} | WATCHED


def test_the_stand_in_ends_on_the_exit_line_even_with_a_stream_open(chat_model):
    with running("embedded", chat_model) as child, ThreadPoolExecutor(1) as pool:
        assert list(child.states())[-1]["state"] == "ready"
        with child.endless_story() as story:
            lines = story.iter_lines()
            next(lines)
            child.send(EXIT)
            assert pool.submit(child.process.wait, PATIENCE).result() == 0
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)


def test_closed_stdin_ends_it(engine, chat_model):
    with running(engine, chat_model) as child:
        assert list(child.states())[-1]["state"] == "ready"
        child.client.get("/health")
        assert child.process.stdin is not None
        child.process.stdin.close()
        assert child.process.wait(PATIENCE) != 0


@pytest.mark.parametrize("by", ["exit line", "closed stdin", "terminate"])
def test_the_stand_in_can_be_ended_while_it_loads(chat_model, by):
    if sys.platform != "linux" and by != "terminate":
        pytest.skip("only Linux can do this for a library that holds the interpreter's lock")
    with running("embedded", chat_model) as child:
        assert next(child.states())["state"] == "loading"
        assert child.process.stdin is not None
        if by == "terminate":
            child.process.terminate()
        elif by == "exit line":
            child.send(EXIT)
        else:
            child.process.stdin.close()
        assert child.process.wait(PATIENCE) != 0
        assert child.process.stdout is not None
        assert '"ready"' not in child.process.stdout.read()


def test_a_file_that_is_no_model_ends_it_with_code_1(engine, tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model")
    with running(engine, bad) as child:
        assert [state["state"] for state in child.states()] == ["loading"]
        assert child.process.wait(PATIENCE) == 1
