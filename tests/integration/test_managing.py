"""Copying, deleting and making models on Ollama's port, in a store that lies on the disk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from trio.testing import MockClock

from tests.support.front_door import ask
from tests.support.gguf_writer import encode_gguf, model_metadata, write_gguf
from tests.support.http_client import Reply, request_bytes
from tests.support.model_cards import model_card
from tests.support.program import Program, open_program

GO = "{{ if .System }}<s>{{ .System }}</s>{{ end }}<u>{{ .Prompt }}</u><a>{{ .Response }}</a>"


@frozen
class Managing:
    """The program, whose one model before anything is made is called "code"."""

    program: Program
    folder: Path
    original: Path

    async def ask(self, method: str, path: str, body: Any = None) -> Reply:
        return await ask(self.program.client(), request_bytes(method, path, body), method)

    async def post(self, path: str, **body: Any) -> Reply:
        return await self.ask("POST", path, body)

    async def names(self) -> set[str]:
        listed = (await self.ask("GET", "/api/tags")).json["models"]
        return {model["name"] for model in listed}

    async def show(self, name: str) -> dict[str, Any]:
        reply = await self.post("/api/show", model=name)
        assert reply.status == 200, reply.body
        shown: dict[str, Any] = reply.json
        return shown

    async def create(self, **body: Any) -> list[str]:
        reply = await self.post("/api/create", **body)
        assert reply.status == 200, reply.body
        assert reply.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line)["status"] for line in reply.body.splitlines()]

    async def upload(self, content: bytes, digest: str | None = None) -> Reply:
        digest = digest or f"sha256:{sha256(content).hexdigest()}"
        head = f"POST /api/blobs/{digest} HTTP/1.1\r\nhost: localhost\r\n"
        request = f"{head}content-length: {len(content)}\r\n\r\n".encode() + content
        return await ask(self.program.client(), request)


@pytest.fixture
async def at(autojump_clock: MockClock, tmp_path: Path) -> AsyncIterator[Managing]:
    async with managing(tmp_path) as at:
        yield at


@asynccontextmanager
async def managing(folder: Path) -> AsyncIterator[Managing]:
    original = write_gguf(folder / "elsewhere" / "code" / "code.gguf")
    card = model_card(path=original, shards=(original,), folders=("code",), chat_template="{{ x }}")
    store = folder / "models"
    async with open_program(facade="ollama", cards=(card,), folder=store) as program:
        yield Managing(program, store, original)


async def test_a_copy_is_a_model_of_the_same_file(at: Managing) -> None:
    reply = await at.post("/api/copy", source="code", destination="mine:v1")
    assert (reply.status, reply.body) == (200, b"")
    assert await at.names() == {"code:latest", "mine:v1"}
    (copied,) = at.folder.glob("*/*.gguf")
    assert copied.samefile(at.original)
    assert (await at.post("/api/chat", model="mine:v1", messages=[], stream=False)).status == 200


async def test_a_copy_of_a_copy_has_its_texts_and_replaces_what_had_its_name(at: Managing) -> None:
    await at.create(model="first", **{"from": "code"}, system="Be brief.", license="MIT")
    await at.create(model="second", **{"from": "code"}, system="Be long.")
    assert (await at.post("/api/copy", source="first", destination="second")).status == 200
    shown = await at.show("second")
    assert (shown["system"], shown["license"]) == ("Be brief.", "MIT")
    assert (await at.post("/api/copy", source="second", destination="Second:latest")).status == 200
    assert await at.names() == {"code:latest", "first:latest", "second:latest"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"source": "nobody", "destination": "x"}, 404, 'model "nobody" not found'),
        ({"source": "a b", "destination": "x"}, 400, 'source "a b" is invalid'),
        ({"source": "code", "destination": "a b"}, 400, 'destination "a b" is invalid'),
        ({"source": "code"}, 400, 'destination "" is invalid'),
    ],
)
async def test_what_cannot_be_copied_is_told_as_ollama_does(
    at: Managing, body: dict[str, str], status: int, error: str
) -> None:
    reply = await at.post("/api/copy", **body)
    assert (reply.status, reply.json) == (status, {"error": error})
    assert await at.names() == {"code:latest"}


async def test_a_deleted_model_is_unloaded_and_gone(at: Managing) -> None:
    await at.post("/api/copy", source="code", destination="doomed")
    assert (await at.post("/api/generate", model="doomed", keep_alive=-1)).status == 200
    assert (await at.ask("GET", "/api/ps")).json["models"][0]["name"] == "doomed:latest"
    reply = await at.ask("DELETE", "/api/delete", {"model": "doomed"})
    assert (reply.status, reply.body) == (200, b"")
    assert await at.names() == {"code:latest"}
    assert (await at.ask("GET", "/api/ps")).json == {"models": []}
    assert [*at.folder.glob("*doomed*"), *at.folder.glob(".*gone")] == []
    assert at.original.is_file()
    again = await at.ask("DELETE", "/api/delete", {"name": "doomed"})
    assert (again.status, again.json) == (404, {"error": "model 'doomed' not found"})


async def test_a_model_that_is_replaced_is_loaded_anew(at: Managing) -> None:
    await at.post("/api/copy", source="code", destination="mine")
    asked = {"model": "mine", "messages": [{"role": "user", "content": "Hi"}], "stream": False}
    assert (await at.post("/api/chat", **asked)).status == 200
    await at.create(model="mine", **{"from": "code"}, template=GO)
    assert (await at.ask("GET", "/api/ps")).json == {"models": []}
    assert (await at.post("/api/chat", **asked)).status == 200
    assert len(at.program.spawn.children) == 2


async def test_a_model_whose_file_is_gone_cannot_be_copied(at: Managing) -> None:
    at.original.unlink()
    reply = await at.post("/api/copy", source="code", destination="mine")
    assert reply.status == 500 and "code.gguf cannot be read" in reply.json["error"]


async def test_a_file_that_was_not_put_there_by_us_is_not_deleted(at: Managing) -> None:
    reply = await at.ask("DELETE", "/api/delete", {"model": "code"})
    assert reply.status == 400
    assert (
        "was not fetched or made here" in reply.json["error"] and "code.gguf" in reply.json["error"]
    )
    assert at.original.is_file() and await at.names() == {"code:latest"}


async def test_a_model_is_made_of_another_one_with_texts_of_its_own(at: Managing) -> None:
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    steps = await at.create(
        **{"model": "made", "from": "code", "system": "Be brief.", "messages": said},
        **{"parameters": {"temperature": 0.5, "stop": ["x", "y"]}, "license": ["A", "B"]},
    )
    assert steps[-2:] == ["writing manifest", "success"]
    shown = await at.show("made")
    assert (shown["system"], shown["license"], shown["messages"]) == ("Be brief.", "A\nB", said)
    lines = [line.split(None, 1) for line in shown["parameters"].splitlines()]
    assert ["temperature", "0.5"] in lines and ["stop", '"y"'] in lines
    await at.create(model="next", **{"from": "made"}, parameters={"temperature": 1.0})
    shown = await at.show("next")
    lines = [line.split(None, 1) for line in shown["parameters"].splitlines()]
    assert ["temperature", "1.0"] in lines and ["stop", '"y"'] in lines
    asked = [{"role": "user", "content": "Now"}]
    assert (await at.post("/api/chat", model="next", messages=asked, stream=False)).status == 200
    sent = at.program.engine.asked[-1].body
    system = {"role": "system", "content": "Be brief."}
    assert sent["messages"] == [system, *said, *asked]
    assert (sent["temperature"], sent["stop"]) == (1.0, ["x", "y"])


async def test_without_a_stream_only_the_end_is_told(at: Managing) -> None:
    reply = await at.post("/api/create", model="made", **{"from": "code"}, stream=False)
    assert (reply.status, reply.json) == (200, {"status": "success"})
    assert "made:latest" in await at.names()


async def test_a_model_is_made_of_a_file_that_was_sent(at: Managing) -> None:
    content = encode_gguf(model_metadata(general__name="Sent"))
    digest = f"sha256:{sha256(content).hexdigest()}"
    assert (await at.ask("HEAD", f"/api/blobs/{digest}")).status == 404
    assert (await at.upload(content)).status == 201
    assert (await at.upload(content)).status == 200
    assert (await at.ask("HEAD", f"/api/blobs/{digest}")).status == 200
    files = {"sent.gguf": digest}
    steps = await at.create(model="of-a-file", files=files, template=GO)
    assert steps[:2] == ["parsing GGUF", f"using existing layer {digest}"]
    assert await at.names() == {"code:latest", "of-a-file:latest"}
    # The model has it now, and another one may be made of it all the same.
    assert (await at.ask("HEAD", f"/api/blobs/{digest}")).status == 200
    await at.create(model="another", files=files)
    assert {path.read_bytes() for path in at.folder.glob("*/*.gguf")} == {content}
    assert [*(at.folder / ".blobs").iterdir()] == []


async def test_a_file_may_come_in_chunks_and_be_larger_than_a_body_may_be(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with managing(tmp_path) as at:
        content = bytes(range(256)) * 1024
        digest = sha256(content).hexdigest()
        pieces = [content[at : at + 10_000] for at in range(0, len(content), 10_000)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        head = f"POST /api/blobs/sha256-{digest} HTTP/1.1\r\nhost: localhost\r\n"
        request = f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n"
        # The connection is of use for another request afterwards.
        client = at.program.client()
        assert (await ask(client, request)).status == 201
        version = request_bytes("GET", "/api/version")
        assert (await ask(client, version, "GET")).status == 200
        assert (at.folder / ".blobs" / f"sha256-{digest}").read_bytes() == content


async def test_what_is_not_as_told_is_not_kept(at: Managing) -> None:
    wanted = "0" * 64
    reply = await at.upload(b"something else", f"sha256:{wanted}")
    got = sha256(b"something else").hexdigest()
    message = f'digest mismatch, expected "sha256:{wanted}", got "sha256:{got}"'
    assert (reply.status, reply.json) == (400, {"error": message})
    assert [*(at.folder / ".blobs").iterdir()] == []
    reply = await at.upload(b"x", "md5:1")
    assert (reply.status, reply.json) == (400, {"error": "invalid digest format"})
    assert (await at.ask("HEAD", "/api/blobs/sha256:12")).status == 400


async def test_who_leaves_in_the_midst_of_a_file_leaves_nothing(at: Managing) -> None:
    client = at.program.client()
    head = f"POST /api/blobs/sha256:{'0' * 64} HTTP/1.1\r\nhost: localhost\r\n"
    await client.send(f"{head}content-length: 3000000\r\n\r\n".encode() + bytes(2_000_000))
    client.close()
    # A change of the store comes behind whatever the disk still had to do for the one that left.
    assert (await at.upload(b"whole")).status == 201
    names = {path.name for path in (at.folder / ".blobs").iterdir()}
    assert names == {f"sha256-{sha256(b'whole').hexdigest()}"}


NOTHING = {"sent.gguf": f"sha256:{'0' * 64}"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"model": ""}, "invalid model name"),
        ({"model": "a b", "from": "code"}, "invalid model name"),
        ({"model": "x"}, "neither 'from' or 'files' was specified"),
        ({"model": "x", "files": {"../x": "sha256:1"}}, "file path must be relative"),
        ({"model": "x", "files": {"/x": "sha256:1"}}, "file path must be relative"),
        ({"model": "x", "files": {"x": "sha256:1"}}, "invalid digest format"),
        ({"model": "x", "files": NOTHING}, "no such file was sent"),
        ({"model": "x", "from": "a b"}, "invalid model name"),
        ({"model": "x", "from": "code", "quantize": "q4_0"}, "quantize: cannot be done here"),
        ({"model": "x", "from": "code", "parameters": {"top_k": "x"}}, 'option "top_k" must be'),
        ({"model": "x", "from": "code", "license": 1}, "license: expected a text"),
        (
            {"model": "x", "from": "code", "template": "{{ range .Messages }}{{ end }}"},
            "template: {{ range .Messages }} is not known here",
        ),
    ],
)
async def test_what_cannot_be_made_is_told_before_anything_is_done(
    at: Managing, body: dict[str, Any], error: str
) -> None:
    reply = await at.post("/api/create", **body)
    assert reply.status == 400
    assert error in reply.json["error"]
    assert await at.names() == {"code:latest"}


async def test_a_file_that_is_no_model_makes_none(at: Managing) -> None:
    content = b"no GGUF at all"
    assert (await at.upload(content)).status == 201
    files = {"x.gguf": f"sha256:{sha256(content).hexdigest()}"}
    reply = await at.post("/api/create", model="x", files=files)
    told = {"error": "supplied file was not in GGUF format"}
    assert (reply.status, reply.json) == (400, told)
