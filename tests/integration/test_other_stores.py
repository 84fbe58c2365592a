"""A model out of an imitated store of Ollama's, through the whole program in memory."""

from __future__ import annotations

import json
from pathlib import Path

from trio.testing import MockClock

from llama_runner.catalog.origin import OLLAMA
from llama_runner.catalog.scanner import scan_here
from llama_runner.catalog.store_places import StorePlace
from tests.support.front_door import ask
from tests.support.gguf_writer import ONE_TENSOR, encode_gguf, model_metadata
from tests.support.http_client import request_bytes
from tests.support.other_stores import FakeOllamaStore, listing_of
from tests.support.program import open_program

TEMPLATE = "{{ messages }}"


async def test_a_model_of_ollama_s_store_is_listed_shown_and_served(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    store = FakeOllamaStore(tmp_path)
    metadata = model_metadata(tokenizer__chat_template=TEMPLATE)
    digest = store.add(
        "registry.ollama.ai/library/tiny/1b",
        ("model", encode_gguf(metadata, ONE_TENSOR)),
        ("params", json.dumps({"temperature": 0.25, "stop": ["<end>"]}).encode()),
        ("system", b"Be brief."),
        ("license", b"MIT"),
    )
    before = listing_of(tmp_path)
    cards = scan_here((), others=[StorePlace(OLLAMA, tmp_path)]).cards
    async with open_program(facade="ollama", cards=cards) as program:
        reply = await ask(program.client(), request_bytes("GET", "/api/tags"), "GET")
        (entry,) = reply.json["models"]
        assert (entry["name"], entry["digest"]) == ("tiny:1b", digest)
        shown = await ask(
            program.client(), request_bytes("POST", "/api/show", {"model": "tiny:1b"}), "POST"
        )
        assert (shown.json["system"], shown.json["license"]) == ("Be brief.", "MIT")
        assert "temperature" in shown.json["parameters"]
        body = {
            "model": "tiny:1b",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": False,
        }
        chat = await ask(program.client(), request_bytes("POST", "/api/chat", body), "POST")
        assert (chat.status, chat.json["model"]) == (200, "tiny:1b")
        assert chat.json["message"]["content"]
        sent = program.engine.asked[-1].body
        assert [message["role"] for message in sent["messages"]] == ["system", "user"]
        assert sent["messages"][0]["content"] == "Be brief."
        assert (sent["temperature"], sent["stop"]) == (0.25, ["<end>"])
    assert listing_of(tmp_path) == before
