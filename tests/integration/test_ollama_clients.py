"""What programs written for Ollama ask in turn, and what each needs to find in the answers.

The requests have the form that these programs send them in (their sources, 2025 and 2026);
what is checked is what they read, so that none of them hides a model or stumbles.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from llama_runner.catalog.card import ModelKind
from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.model_cards import model_card
from tests.support.program import Program, open_program
from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine, TokenScript

CODE = model_card(
    path=Path("models/code/code.gguf"),
    folders=("code",),
    capabilities=frozenset({"completion", "chat", "tools"}),
    chat_template="{{ messages }}{{ tools }}",
)
EMBEDDER = model_card(
    path=Path("models/minilm/minilm.gguf"),
    folders=("minilm",),
    kind=ModelKind.EMBEDDING,
    capabilities=frozenset({"embedding"}),
    chat_template=None,
)
CALL = {"name": "read_file", "arguments": {"path": "a.py"}}
TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a file",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        },
    },
}


async def _engine(asked: Asked, connection: EngineConnection) -> None:
    """Answer with text, with a call where tools are given, or with vectors."""
    if asked.path == "/v1/embeddings":
        data = [{"index": n, "embedding": [0.6, 0.8]} for n in range(len(asked.body["input"]))]
        await connection.whole(200, {"data": data, "usage": {"prompt_tokens": 2}})
    elif not asked.body.get("tools"):
        await TokenScript()(asked, connection)
    else:
        await connection.start_stream()
        function = {"name": "read_file", "arguments": json.dumps(CALL["arguments"])}
        call = {"index": 0, "id": "x1", "type": "function", "function": function}
        for delta, finish in (({"tool_calls": [call]}, None), ({}, "tool_calls")):
            choice = {"index": 0, "finish_reason": finish, "delta": delta}
            await connection.event({"choices": [choice], "object": "chat.completion.chunk"})
        await connection.event("[DONE]")
        await connection.end()


@pytest.fixture
async def program(autojump_clock: MockClock) -> Any:
    cards = (CODE, EMBEDDER)
    engine = ScriptedEngine(_engine)
    async with open_program(facade="ollama", cards=cards, engine=engine) as program:
        yield program


async def send(
    program: Program, path: str, body: Any = None, method: str = "", **headers: str
) -> Reply:
    method = method or ("GET" if body is None else "POST")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = await ask(program.client(), request_bytes(method, path, body, named), method)
    assert reply.status == 200, reply.body
    return reply


def objects(reply: Reply) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reply.body.splitlines()]


async def test_copilot_lists_a_model_and_chats_on_the_same_port(program: Program) -> None:
    agent = {"user_agent": "GitHubCopilotChat/0.40.0", "accept": "application/json"}
    version = (await send(program, "/api/version", **agent)).json["version"]
    assert tuple(map(int, version.split("."))) >= (0, 6, 4)
    listed = (await send(program, "/api/tags", **agent)).json["models"]
    for model in listed:
        shown = (await send(program, "/api/show", {"model": model["model"]}, **agent)).json
        architecture = shown["model_info"]["general.architecture"]
        assert shown["model_info"][f"{architecture}.context_length"] > 0
        assert isinstance(shown["capabilities"], list)
        assert shown["model_info"]["general.basename"] == model["model"]
    assert {model["model"] for model in listed} == {"code:latest", "minilm:latest"}
    shown = (await send(program, "/api/show", {"model": "code:latest"}, **agent)).json
    assert "tools" in shown["capabilities"]
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]
    body = {
        **{"model": "code:latest", "messages": messages, "stream": True, "n": 1, "top_p": 1},
        **{"temperature": 0.1, "max_tokens": 4096, "tools": [TOOL], "tool_choice": "auto"},
        "stream_options": {"include_usage": True},
    }
    reply = await send(program, "/v1/chat/completions", body, authorization="Bearer ")
    assert b'"tool_calls"' in reply.body and reply.body.endswith(b"data: [DONE]\n\n")


async def test_zed_lists_shows_and_chats_with_nulls(program: Program) -> None:
    for model in (await send(program, "/api/tags", accept="application/json")).json["models"]:
        assert {"name", "modified_at", "size", "digest", "details"} <= set(model)
        wanted = {"format", "family", "parameter_size", "quantization_level"}
        assert all(isinstance(model["details"][name], str) for name in wanted)
    shown = (await send(program, "/api/show", {"model": "code:latest"})).json
    assert shown["capabilities"] == ["completion", "tools"]
    options: dict[str, Any] = {
        "num_ctx": 4096,
        "num_predict": None,
        "stop": [],
        "temperature": 1.0,
        "top_p": None,
    }
    chat: dict[str, Any] = {
        **{"model": "code:latest", "stream": True, "keep_alive": -1, "options": options},
        **{"tools": [], "think": None, "messages": [{"role": "user", "content": "Hi"}]},
    }
    for part in objects(await send(program, "/api/chat", chat)):
        assert {"model", "created_at", "message", "done"} <= set(part)
        assert part["message"]["role"] == "assistant" and "content" in part["message"]
    *_, called, last = objects(await send(program, "/api/chat", {**chat, "tools": [TOOL]}))
    (call,) = called["message"]["tool_calls"]
    assert {name: call["function"][name] for name in CALL} == CALL
    assert last["done_reason"] == "stop"
    history = [
        *chat["messages"],
        {"role": "assistant", "content": "", "tool_calls": [{"function": CALL}], "thinking": None},
        {"role": "tool", "tool_name": "read_file", "content": "pass"},
    ]
    await send(program, "/api/chat", {**chat, "messages": history})
    sent = program.engine.asked[-1].body["messages"]
    assert sent[-1] == {"role": "tool", "content": "pass", "name": "read_file"}


async def test_continue_reads_parameters_and_fills_in(program: Program) -> None:
    shown = (await send(program, "/api/show", {"name": "code"})).json
    for each in shown.get("parameters", "").splitlines():
        assert re.match(r'^(\S+)\s+((?:".*")|\S+)$', each), each
    assert ".Suffix" not in shown["template"]
    options = {"temperature": 0.01, "num_predict": 64, "num_ctx": 8192, "stop": ["\n\n"]}
    base = {"model": "code", "options": options, "keep_alive": 1800, "stream": True}
    parts = objects(await send(program, "/api/generate", {**base, "prompt": "def f(", "raw": True}))
    assert all("response" in part for part in parts) and parts[-1]["done"]
    chat = {**base, "messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]}
    whole = (await send(program, "/api/chat", {**chat, "stream": False})).json
    assert whole["message"]["tool_calls"][0]["function"]["arguments"] == CALL["arguments"]
    body = {"model": "minilm", "input": ["a", "b"], "keep_alive": 1800}
    assert len((await send(program, "/api/embed", body)).json["embeddings"]) == 2


async def test_open_webui_watches_chats_embeds_and_unloads(program: Program) -> None:
    assert re.fullmatch(r"[\d.]+", (await send(program, "/api/version")).json["version"])
    names = [model["name"] for model in (await send(program, "/api/tags")).json["models"]]
    assert all(":" in name for name in names)
    body = {
        **{"model": "code:latest", "messages": [{"role": "user", "content": "Hi"}]},
        **{"stream": True, "options": {"num_predict": 9}, "format": None, "keep_alive": "5m"},
    }
    *_, last = objects(await send(program, "/api/chat", body))
    assert last["eval_count"] > 0 and last["eval_duration"] > 0
    (loaded,) = (await send(program, "/api/ps")).json["models"]
    assert datetime.fromisoformat(loaded["expires_at"]).tzinfo is not None
    assert loaded["name"] == "code:latest"
    body = {"model": "minilm:latest", "input": ["a"], "truncate": True}
    assert (await send(program, "/api/embed", body)).json["embeddings"] == [[0.6, 0.8]]
    gone = await send(program, "/api/generate", {"model": "code:latest", "keep_alive": 0})
    assert gone.json["done_reason"] == "unload"
    reply = await ask(program.client(), request_bytes("POST", "/api/show", {"name": "nobody"}))
    assert reply.status == 404 and reply.json["error"]


async def test_ollama_s_own_command_line_looks_loads_and_chats(program: Program) -> None:
    assert (await send(program, "/", method="HEAD")).body == b""
    shown = (await send(program, "/api/show", {"model": "code"})).json
    assert shown["model_info"] is not None
    loaded = await send(program, "/api/generate", {"model": "code", "prompt": ""})
    assert loaded.json["done_reason"] == "load"
    body = {"model": "code", "messages": [{"role": "user", "content": "Hi"}], "options": {}}
    *_, last = objects(await send(program, "/api/chat", {**body, "format": "", "think": None}))
    assert last["done"] is True
    stopped = await send(program, "/api/generate", {"model": "code", "keep_alive": 0})
    assert stopped.json["done_reason"] == "unload"
