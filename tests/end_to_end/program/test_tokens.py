"""What a streaming client sees, byte by byte, of a model that must be loaded first."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from attrs import evolve, frozen

from tests.support.openai_client import openai_client
from tests.support.served_program import PATIENCE, ServedProgram, Setup, assert_gone, served
from tests.support.zoo.bert import write_embedder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

TOKENS = 48
CHAT = {
    "model": "chat",
    "messages": [{"role": "user", "content": "Tell me a story."}],
    "stream": True,
    "max_tokens": TOKENS,
    "ignore_eos": True,
    "chat_template_kwargs": {"enable_thinking": False},
}


@frozen
class Block:
    """What stood between two blank lines, and when it came."""

    text: str
    at: float

    @property
    def is_comment(self) -> bool:
        """Whether every client must ignore it."""
        return self.text.startswith(":")

    @property
    def chunk(self) -> Any:
        """The JSON of an event."""
        return json.loads(self.text.removeprefix("data: "))


@pytest.fixture
def impatient(setup: Setup, tmp_path: Path) -> Iterator[ServedProgram]:
    """Return a program that tells waiting clients about it at once, with no model loaded."""
    relay = {"heartbeat_after": 0.01, "heartbeat_every": 0.01}
    setup = evolve(setup, folder=tmp_path, app={"relay": relay})
    write_embedder(setup.models_dir / "tiny-embedder.gguf")
    with served(setup) as program:
        yield program


def blocks(program: ServedProgram, fields: dict[str, Any]) -> Iterator[Block]:
    """Yield the blocks of an event stream as they come, like ``curl -N``."""
    address = urlsplit(program.lmstudio)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(fields))
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream"
        pending = b""
        while piece := answer.read1(65536):
            now = time.monotonic()
            *whole, pending = (pending + piece).split(b"\n\n")
            yield from (Block(text.decode(), now) for text in whole)
        assert pending == b""
    finally:
        connection.close()


def test_tokens_come_one_by_one_after_heartbeats_that_are_comments(impatient):
    *seen, end = blocks(impatient, CHAT)
    comments = [block for block in seen if block.is_comment]
    events = [block for block in seen if not block.is_comment]
    assert end.text == "data: [DONE]"
    assert comments and seen[: len(comments)] == comments
    assert any(": loading" in block.text for block in comments)
    assert all("prompt_progress" not in block.text for block in events)
    tokens = [block for block in events if block.chunk["choices"][0]["delta"].get("content")]
    assert len(tokens) >= TOKENS / 2
    # The engine's own measure of how long its tokens took, not a guess of ours.
    took = events[-1].chunk["timings"]["predicted_ms"] / 1000
    assert tokens[-1].at - tokens[0].at > took / 2
    assert len({token.at for token in tokens}) > len(tokens) / 2


def test_what_fails_after_the_first_heartbeat_is_told_as_the_streams_error(impatient):
    with (
        openai_client(impatient) as client,
        pytest.raises(openai.APIError) as caught,
    ):
        list(client.completions.create(model="chat", prompt="word " * 3000, stream=True))
    assert type(caught.value) is openai.APIError
    assert caught.value.code == "context_length_exceeded"


def test_no_engine_outlives_a_kill_of_the_program(impatient):
    stream = blocks(impatient, {**CHAT, "max_tokens": 1500})
    assert any(block.text.startswith("data: {") for block in stream)
    engines = impatient.engines()
    assert engines
    impatient.process.kill()
    impatient.process.wait(PATIENCE)
    assert_gone(engines, within=10)
