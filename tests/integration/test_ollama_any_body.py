"""Whatever bodies Ollama's routes get: an answer in Ollama's form, and no fault of ours."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.support.front_door import ask, on_virtual_clock
from tests.support.http_client import Reply, request_bytes
from tests.support.ollama_shapes import ERROR, PIECE, WHOLE, Shape
from tests.support.program import open_program
from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine, TokenScript

IMAGE = "iVBORw0KGgoAAAANSUhEUg=="
CALL = {"function": {"name": "f", "arguments": {"a": 1}}}
GOOD: dict[str, list[Any]] = {
    "model": ["a", "a:latest", "b", "none", ""],
    "name": ["a"],
    "messages": [
        [],
        [{"role": "user", "content": "Hi"}],
        [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi", "images": [IMAGE]}],
        [{"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "7"}],
    ],
    "prompt": ["", "Hi"],
    "suffix": ["", "x"],
    "system": ["", "S"],
    "template": ["", "{{ .Prompt }}", "{{ range .Messages }}{{ end }}"],
    "context": [[], [1, 2, 3]],
    "input": ["", "x", ["x", "y"], []],
    "raw": [True, False],
    "stream": [True, False],
    "format": ["json", {"type": "object"}],
    "keep_alive": [0, -1, "5m", "0"],
    "images": [[IMAGE]],
    "options": [{"temperature": 0, "num_predict": 3, "num_ctx": 99, "stop": ["x"]}, {"seed": 2.0}],
    "think": [True, False, "high"],
    "truncate": [True, False],
    "shift": [True],
    "logprobs": [True],
    "top_logprobs": [0, 3],
    "tools": [[], [{"type": "function", "function": {"name": "f"}}]],
    "dimensions": [0, 2],
    "verbose": [True],
}
PATHS = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show")
OLLAMA_S_500 = ("option ", "invalid format: ")
ODD = (
    "1e400",
    "1e300",
    "-1e18",
    "18446744073709551615",
    "9" * 40,
    "[1e999]",
    r'"\ud800"',
    r'"\u0000"',
)
"""JSON that other programs than Python's write."""
_HELLO = b'"model": "a", "messages": [{"role": "user", "content": "Hi"}]'
CHATS = (b"{%b}" % _HELLO, b'{%b, "stream": false}' % _HELLO, b'{%b, "logprobs": true}' % _HELLO)
ODD_PLACE = "something odd"
EACH_STATUS = (
    b'{"model": "a", "prompt": "Hi", "stream": false}',
    b'{"model": "a", "prompt": "Hi"}',
    b'{"model": "a", "keep_alive": 0}',
    b'{"model": "a", "keep_alive": "5"}',
    b'{"model": "none"}',
    b'{"model": "a", "prompt": "Hi", "options": {"seed": "x"}}',
)

_leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
_any = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["role", "content", "images", "x"]), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """Return a body that is mostly what a client may send."""
    names = draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=7)) | {"model"}
    fields: dict[str, Any] = {}
    for name in sorted(names):
        odd = draw(st.integers(0, 5)) == 0
        fields[name] = draw(_any) if odd else draw(st.sampled_from(GOOD[name]))
    if "options" in fields and draw(st.booleans()):
        fields["options"] = draw(
            st.dictionaries(st.sampled_from(["temperature", "top_k", "stop", "num_ctx"]), _any)
        )
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(fields)))
        fields[name] = ODD_PLACE if draw(st.booleans()) else {"temperature": ODD_PLACE}
    written = json.dumps(fields).replace(json.dumps(ODD_PLACE), draw(st.sampled_from(ODD)))
    body = written.encode()
    cut = draw(st.integers(0, 20))
    return body[: len(body) - cut] if cut in (1, 2, 9) else body


async def _answers(asked: Asked, connection: EngineConnection) -> None:
    if asked.path == "/v1/embeddings":
        data = [{"index": at, "embedding": [1.0, 2.0]} for at in range(len(asked.body["input"]))]
        await connection.whole(200, {"data": data, "usage": {"prompt_tokens": 1}})
    elif asked.path == "/v1/chat/completions":
        await TokenScript()(asked, connection)
    else:
        error = {"code": 501, "message": "no", "type": "not_supported_error"}
        await connection.whole(501, {"error": error})


def _check(path: str, reply: Reply) -> None:
    form = reply.headers["content-type"]
    if form == "application/x-ndjson":
        *lines, last = [json.loads(line) for line in reply.body.splitlines()]
        for line in lines:
            _assert_like(PIECE[path], line)
        _assert_like({"anyOf": [WHOLE[path], ERROR]}, last)
        return
    assert form == "application/json; charset=utf-8"
    if reply.status == 200:
        _assert_like(WHOLE[path], reply.json)
        return
    _assert_like(ERROR, reply.json)
    error = reply.json["error"]
    if reply.status == 500:
        assert error.startswith(OLLAMA_S_500), error
    else:
        assert reply.status in (400, 404, 501), (reply.status, error)


def _assert_like(shape: Shape, answer: Any) -> None:
    Draft202012Validator(shape).validate(answer)


def test_any_body_gets_an_answer_of_the_documented_shape() -> None:
    seen: Counter[int] = Counter()

    @settings(max_examples=150)
    @given(path=st.sampled_from(PATHS), bodies=st.lists(_bodies(), min_size=1, max_size=6))
    @example(path="/api/generate", bodies=[*EACH_STATUS])
    @example(path="/api/chat", bodies=[*CHATS])
    def run(path: str, bodies: list[bytes]) -> None:
        async def main() -> list[Reply]:
            engine = ScriptedEngine(_answers)
            async with open_program(facade="ollama", engine=engine) as program:
                asked = [request_bytes("POST", path, body) for body in bodies]
                return [await ask(program.client(), each) for each in asked]

        for reply in on_virtual_clock(main):
            _check(path, reply)
            seen[reply.status] += 1

    run()
    # That much must come through, or nothing was tried.
    assert seen[200] > seen.total() / 10
    assert {400, 404, 500} <= set(seen)


@pytest.fixture(autouse=True)
def nothing_fails(caplog: pytest.LogCaptureFixture) -> Any:
    """See to it that no fault is logged."""
    with caplog.at_level(logging.ERROR):
        yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
