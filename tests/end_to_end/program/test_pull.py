"""A model that is pulled from a server of a test's own, listed and asked."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import pytest
import trio

from tests.support.model_server import open_model_server
from tests.support.registries import add_registry_model, add_repository
from tests.support.served_program import PATIENCE, ServedProgram, Setup, served
from tests.support.zoo.models import write_zoo

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NAMES = ("tiny:135m", "hf.co/user/tiny-GGUF:Q4_K_M")


async def asked(program: ServedProgram, path: str, fields: Any = None) -> Any:
    async with httpx.AsyncClient(base_url=program.ollama, timeout=PATIENCE) as client:
        method = "GET" if fields is None else "POST"
        reply = await client.request(method, path, json=fields)
        assert reply.status_code == 200, reply.text
        return reply.json()


async def test_a_pulled_model_is_listed_and_answers(engine_name: str, tmp_path: Path) -> None:
    write_zoo(tmp_path / "zoo")
    (path,) = (tmp_path / "zoo").rglob("tiny-chat*.gguf")
    model = await trio.to_thread.run_sync(path.read_bytes)
    async with open_model_server() as server:
        add_registry_model(server, "library/tiny", "135m", model=model)
        add_repository(server, "user/tiny-GGUF", {"tiny-Q4_K_M.gguf": model})
        app = {"store": {"registry": server.base, "hugging_face": server.base}}
        models = {"defaults": {"parameters": {"threads": 1}}}
        setup = Setup(tmp_path, engine_name, app=app, models=models)
        with ExitStack() as stack:
            program = stack.enter_context(served(setup))
            for name in NAMES:
                told = await asked(program, "/api/pull", {"model": name, "stream": False})
                assert told == {"status": "success"}
                listed = (await asked(program, "/api/tags"))["models"]
                assert name in [each["name"] for each in listed]
                request = {"model": name, "prompt": "Hi", "stream": False}
                request["options"] = {"num_predict": 4}
                reply = await asked(program, "/api/generate", request)
                assert reply["model"] == name and reply["done"]
            await trio.to_thread.run_sync(stack.close)
        with ExitStack() as stack:
            program = stack.enter_context(served(setup))
            listed = (await asked(program, "/api/tags"))["models"]
            assert {each["name"] for each in listed} == set(NAMES)
            await trio.to_thread.run_sync(stack.close)
