"""Whatever bodies the routes that make, copy and delete models get: no fault of ours."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.front_door import ask, on_virtual_clock
from tests.support.gguf_writer import write_gguf
from tests.support.http_client import Reply
from tests.support.model_cards import model_card
from tests.support.program import Program, open_program

DIGEST = "sha256:" + "0" * 64
GOOD: dict[str, list[Any]] = {
    "model": ["new", "a", "Me/new:v1", "", "a b", "../x", "con"],
    "name": ["new"],
    "source": ["a", "none", "", "a b"],
    "destination": ["new", "", "a b", "h:5/m/x"],
    "from": ["a", "a", "a b", ""],
    "files": [{"x.gguf": DIGEST}, {"../x": DIGEST}, {"x": "md5:1"}, {}],
    "adapters": [{}, {"y.gguf": DIGEST}],
    "system": ["S", ""],
    "template": ["{{ .Prompt }}", "{{ range .Messages }}{{ end }}", "{% if x %}", ""],
    "license": ["MIT", ["A", "B"], [1]],
    "messages": [[{"role": "user", "content": "Hi"}], []],
    "parameters": [{"temperature": 1, "stop": ["x"]}, {"top_k": "x"}, {}],
    "quantize": ["", "q4_0"],
    "stream": [True, False],
    "insecure": [True],
}
ROUTES = {
    "/api/create": ("POST", {"model", "from"}),
    "/api/copy": ("POST", {"source", "destination"}),
    "/api/delete": ("DELETE", {"model"}),
    "/api/push": ("POST", {"model"}),
}
"""Of each route the method, and the fields without which nothing comes of it."""
_leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
_any = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def _requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a path and a body that is mostly what a client may send."""
    path = draw(st.sampled_from(sorted(ROUTES)))
    names = draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=5)) | ROUTES[path][1]
    fields: dict[str, Any] = {}
    for name in sorted(names):
        odd = draw(st.integers(0, 5)) == 0
        fields[name] = draw(_any) if odd else draw(st.sampled_from(GOOD[name]))
    body = json.dumps(fields).encode()
    cut = draw(st.integers(0, 20))
    return path, body[: len(body) - cut] if cut in (1, 9) else body


def _check(path: str, reply: Reply) -> int:
    if path == "/api/push" and reply.body:
        told = json.loads(reply.body.splitlines()[-1])
        assert isinstance(told["error"], str) and reply.status in (200, 400, 500)
        return reply.status
    assert reply.status in (200, 400, 404), (reply.status, reply.body)
    if reply.status != 200:
        assert isinstance(reply.json["error"], str) and reply.json["error"]
    for line in reply.body.splitlines() if reply.status == 200 else ():
        assert isinstance(json.loads(line)["status"], str)
    return reply.status


def test_any_body_is_answered_and_none_is_a_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Counter[tuple[str, int]]()
    model = write_gguf(tmp_path / "files" / "a.gguf")
    card = model_card(path=model, shards=(model,), folders=("a",))

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(_requests())
    def one(request: tuple[str, bytes]) -> None:
        path, body = request

        async def main() -> Reply:
            folder = tmp_path / "models"
            async with open_program(facade="ollama", cards=(card,), folder=folder) as program:
                return await _send(program, ROUTES[path][0], path, body)

        seen[path, _check(path, on_virtual_clock(main))] += 1

    with caplog.at_level(logging.ERROR):
        one()
    assert not caplog.records
    assert {("/api/create", 200), ("/api/copy", 200), ("/api/delete", 404)} <= set(seen)
    assert {path for path, _ in seen} == set(ROUTES)
    assert model.is_file()


async def _send(program: Program, method: str, path: str, body: bytes) -> Reply:
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
    return await ask(program.client(), head.encode() + body, method)
