"""``/api/pull`` in front of servers that speak the protocols of Ollama and Hugging Face."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from llama_runner.config.store import StoreConfig
from llama_runner.store.pulling import Puller
from llama_runner.store.remote_model import PulledModel, Role
from llama_runner.store.shelf import Shelf
from llama_runner.store.sources import sources_of
from tests.support.front_door import ask, next_reply
from tests.support.http_client import Reply, request_bytes
from tests.support.model_server import ModelServer, Told, open_model_server
from tests.support.program import Program, open_program
from tests.support.registries import add_registry_model, add_repository, digest

PIECE = 4096
MODEL, OTHER = Random(1).randbytes(20 * PIECE + 5), Random(2).randbytes(3 * PIECE)
TEXT = b"{{ .Prompt }}"


@pytest.fixture
def clock(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MockClock:
    """The virtual clock, which leaves threads the time that they need, and no token."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no_token"))
    autojump_clock.autojump_threshold = 0.05
    return autojump_clock


@define(eq=False)
class Pulling:
    """A program that pulls from ``server``, and what it has adopted."""

    server: ModelServer
    program: Program
    folder: Path
    adopted: list[PulledModel] = field(factory=list)

    async def pull(self, body: Any) -> Reply:
        return await ask(self.program.client(), request_bytes("POST", "/api/pull", body), "POST")

    async def steps(self, model: str, **more: Any) -> list[dict[str, Any]]:
        reply = await self.pull({"model": model, **more})
        assert reply.status == 200
        assert reply.headers["content-type"] == "application/x-ndjson"
        return [orjson.loads(line) for line in reply.body.splitlines()]


@asynccontextmanager
async def pulling(folder: Path, token: str | None = None, **given: Any) -> AsyncIterator[Pulling]:
    async with open_model_server(**given) as server:
        adopted: list[PulledModel] = []

        async def adopt(model: PulledModel) -> None:
            await trio.lowlevel.checkpoint()
            adopted.append(model)

        settings = StoreConfig(
            registry=server.base, hugging_face=server.base, hugging_face_token=token
        )
        puller = Puller(Shelf(folder), sources_of(settings), adopt, PIECE)
        async with open_program(facade="ollama", puller=puller) as program:
            yield Pulling(server, program, folder / ".blobs", adopted)


def without_progress(steps: list[dict[str, Any]]) -> list[str]:
    told: list[str] = []
    for step in steps:
        if step["status"] not in told[-1:]:
            told.append(step["status"])
    return told


async def test_a_model_of_the_registry_comes_as_ollama_tells_it(
    clock: MockClock, tmp_path: Path
) -> None:
    async with pulling(tmp_path, chunk=1000, pause=0.02) as at:
        model, text = add_registry_model(
            at.server, "library/tiny", "135m", model=MODEL, template=TEXT
        )
        steps = await at.steps("tiny:135m")
        config = digest(b'{"model_format":"gguf"}')
        assert without_progress(steps) == [
            "pulling manifest",
            *(f"pulling {each[7:19]}" for each in (model, text, config)),
            "verifying sha256 digest",
            "writing manifest",
            "success",
        ]
        mine = [step for step in steps if step.get("digest") == model]
        assert {step["total"] for step in mine} == {len(MODEL)}
        came = [step.get("completed", 0) for step in mine]
        assert came == sorted(came) and came[-1] == len(MODEL) and len(came) > 3
        (pulled,) = at.adopted
        assert pulled.name == "tiny:135m"
        assert pulled.texts[Role.TEMPLATE] == (TEXT.decode(),)
        (file,) = pulled.files
        assert (file.role, file.path.read_bytes()) == (Role.MODEL, MODEL)
        accepted = at.server.asked[0].headers["accept"]
        assert accepted == "application/vnd.docker.distribution.manifest.v2+json"


async def test_what_is_here_already_is_told_once_and_not_fetched(
    clock: MockClock, tmp_path: Path
) -> None:
    async with pulling(tmp_path) as at:
        (model,) = add_registry_model(at.server, "library/tiny", "latest", model=MODEL)
        await at.steps("tiny")
        asked = len(at.server.asked)
        steps = await at.steps("tiny")
        assert len(at.server.asked) == asked + 1
        told = {"status": f"pulling {model[7:19]}", "digest": model, "total": len(MODEL)}
        mine = [step for step in steps if step.get("digest") == model]
        assert mine == [{**told, "completed": len(MODEL)}]


async def test_who_does_not_stream_gets_the_last_object(clock: MockClock, tmp_path: Path) -> None:
    async with pulling(tmp_path) as at:
        add_registry_model(at.server, "me/tiny", "latest", model=MODEL)
        reply = await at.pull({"name": "me/tiny", "stream": False})
        assert (reply.status, reply.json) == (200, {"status": "success"})
        assert reply.headers["content-type"] == "application/json"


async def test_an_unknown_name_is_told_as_ollama_does(clock: MockClock, tmp_path: Path) -> None:
    error = {"error": "pull model manifest: file does not exist"}
    async with pulling(tmp_path) as at:
        assert await at.steps("nobody/knows") == [{"status": "pulling manifest"}, error]
        reply = await at.pull({"model": "nope", "stream": False})
        assert (reply.status, reply.json) == (500, error)


@pytest.mark.parametrize("name", ["", "a/b/c/d", "has blank", "../x", "a:b:c"])
async def test_what_is_no_name_is_refused(clock: MockClock, tmp_path: Path, name: str) -> None:
    async with pulling(tmp_path) as at:
        reply = await at.pull({"model": name})
        assert (reply.status, reply.json) == (400, {"error": "invalid model name"})
        assert not at.server.asked


async def test_a_registry_that_wants_a_token_gives_one(clock: MockClock, tmp_path: Path) -> None:
    async with pulling(tmp_path) as at:
        add_registry_model(at.server, "library/tiny", "latest", model=MODEL)
        realm = f'Bearer realm="{at.server.base}/token",service="me",scope="pull:tiny"'
        at.server.amiss.append(Told(401, {}, {"www-authenticate": realm}))
        at.server.told["/token?service=me&scope=pull%3Atiny"] = Told(200, {"token": "abc"})
        assert (await at.steps("tiny"))[-1] == {"status": "success"}
        assert all(
            each.headers.get("authorization") == "Bearer abc" for each in at.server.asked[2:]
        )


async def test_a_repository_gives_its_quantisation_shards_and_projector(
    clock: MockClock, tmp_path: Path
) -> None:
    files = {
        "README.md": b"# hello",
        "tiny-Q8_0.gguf": b"8" * 50,
        "Q4_K_M/tiny-Q4_K_M-00001-of-00002.gguf": MODEL,
        "Q4_K_M/tiny-Q4_K_M-00002-of-00002.gguf": OTHER,
        "mmproj-tiny-BF16.gguf": b"b" * 60,
        "mmproj-tiny-F16.gguf": b"f" * 60,
        "system": b"Be brief.",
    }
    async with pulling(tmp_path) as at:
        add_repository(at.server, "user/tiny-GGUF", files)
        for name, wanted in {
            "hf.co/user/tiny-GGUF": [MODEL, OTHER, b"f" * 60],
            "hf.co/user/tiny-GGUF:q8_0": [b"8" * 50, b"f" * 60],
            "huggingface.co/user/tiny-GGUF:Q4_K_M": [MODEL, OTHER, b"f" * 60],
            "user/tiny-GGUF": [MODEL, OTHER, b"f" * 60],
        }.items():
            assert (await at.steps(name))[-1] == {"status": "success"}, name
            assert [file.path.read_bytes() for file in at.adopted[-1].files] == wanted
            assert at.adopted[-1].texts == {Role.SYSTEM: ("Be brief.",)}
        assert [model.name for model in at.adopted][:2] == [
            "hf.co/user/tiny-GGUF:latest",
            "hf.co/user/tiny-GGUF:q8_0",
        ]
        told = (await at.steps("hf.co/user/tiny-GGUF:Q2_K"))[-1]["error"]
        assert "user/tiny-GGUF has no Q2_K; it has: Q4_K_M, Q8_0" in told


@pytest.mark.parametrize(
    ("token", "status", "told"),
    [
        (None, 401, "set HF_TOKEN, or store.hugging_face_token"),
        ("hf_wrong_one", 401, "the token is not valid for it"),
        ("hf_right_one", 403, "has terms that this token's account has not been granted"),
    ],
)
async def test_a_gated_repository_tells_what_to_do(
    clock: MockClock, tmp_path: Path, token: str | None, status: int, told: str
) -> None:
    async with pulling(tmp_path, token) as at:
        at.server.amiss.append(Told(status, {"error": "no"}))
        error = (await at.steps("hf.co/user/tiny"))[-1]["error"]
        assert told in error and f"{at.server.base}/user/tiny" in error
        assert "hf_" not in error


async def test_the_right_token_opens_a_repository(clock: MockClock, tmp_path: Path) -> None:
    async with pulling(tmp_path, "hf_right_one") as at:
        at.server.token = "hf_right_one"
        add_repository(at.server, "user/tiny", {"tiny-Q4_K_M.gguf": MODEL})
        assert (await at.steps("hf.co/user/tiny"))[-1] == {"status": "success"}


async def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    async with pulling(tmp_path) as at:
        add_registry_model(at.server, "library/tiny", "latest", model=MODEL)
        error = (await at.steps("tiny"))[-1]["error"]
        assert "not enough disk space" in error and "1000 are free" in error
        assert len(at.server.asked) == 1


async def test_two_clients_share_one_download_and_the_last_to_leave_ends_it(
    clock: MockClock, tmp_path: Path
) -> None:
    async with pulling(tmp_path, chunk=1000) as at:
        add_registry_model(at.server, "library/tiny", "latest", model=MODEL)
        at.server.stops_after = len(MODEL) // 2
        first, second = at.program.client(), at.program.client()
        for client in (first, second):
            await client.send(request_bytes("POST", "/api/pull", {"model": "tiny"}))
        await at.server.stopped.wait()
        first.close()
        await trio.testing.wait_all_tasks_blocked(0.05)
        at.server.stops_after = None
        # What was on its way to a client that waits is asked for again after the stall.
        reply = await next_reply(second)
        assert reply.body.splitlines()[-1] == b'{"status":"success"}'
        manifests = [each for each in at.server.asked if "/manifests/" in each.path]
        assert len(manifests) == 1 and at.server.sent < 2 * len(MODEL)


async def test_who_leaves_alone_cancels_and_the_next_one_goes_on(
    clock: MockClock, tmp_path: Path
) -> None:
    async with pulling(tmp_path, chunk=1000) as at:
        (model,) = add_registry_model(at.server, "library/tiny", "latest", model=MODEL)
        at.server.stops_after = len(MODEL) - 2 * PIECE
        client = at.program.client()
        await client.send(request_bytes("POST", "/api/pull", {"model": "tiny"}))
        await at.server.stopped.wait()
        client.close()
        await trio.testing.wait_all_tasks_blocked(0.1)
        assert [*at.folder.glob("*.part")] and not at.adopted
        at.server.stops_after = None
        at.server.asked.clear()
        steps = await at.steps("tiny")
        assert steps[-1] == {"status": "success"}
        mine = [step for step in steps if step.get("digest") == model]
        assert mine[0]["completed"] > 0
        wanted = [each for each in at.server.ranges(f"/v2/library/tiny/blobs/{model}") if each]
        assert 0 < sum(end - begin for begin, end in wanted) < len(MODEL)


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {"layers": 5},
        {"layers": [{"digest": "sha256:../../x"}]},
        {"layers": []},
        {"layers": [{"mediaType": "x", "digest": "sha256:../../../x", "size": 5}]},
    ],
)
async def test_a_manifest_that_is_none_is_told(
    clock: MockClock, tmp_path: Path, manifest: Any
) -> None:
    async with pulling(tmp_path) as at:
        at.server.told["/v2/library/tiny/manifests/latest"] = Told(200, manifest)
        assert "pull model manifest: " in (await at.steps("tiny"))[-1]["error"]


async def test_a_registry_that_is_away_is_told(clock: MockClock, tmp_path: Path) -> None:
    async with pulling(tmp_path, amiss=deque([Told(503)] * 9)) as at:
        error = (await at.steps("tiny"))[-1]["error"]
        assert error == "pull model manifest: 127.0.0.1 answers 503 (tried 3 times)"
