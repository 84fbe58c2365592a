"""Large requests: they are read in turns, and reach the engine whole."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from trio.testing import MockClock

from llama_runner.config.app import AppConfig, RelayConfig
from llama_runner.relay.reading import READ_AT_ONCE
from tests.support.front_cases import chunked, post
from tests.support.front_door import ask
from tests.support.program import CHAT, STREAM, open_program

IMAGE = "data:image/png;base64," + "iVBORw0KGgo+/" * 100_000
SMALL_JSON = AppConfig(relay=RelayConfig(max_json_bytes=1000))


def _about(*parts: Any, **fields: Any) -> bytes:
    return orjson.dumps({**STREAM, "messages": [{"role": "user", "content": parts}], **fields})


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize("framed", ["sized", "chunked"])
async def test_a_large_request_reaches_the_engine_whole(
    autojump_clock: MockClock, framed: str
) -> None:
    text = {"type": "text", "text": "What is this?\n\N{LLAMA}"}
    body = _about(_image(IMAGE), text, _image(IMAGE), note="x" * READ_AT_ONCE)
    request = post("relay", f"Content-Length: {len(body)}", body=body)
    if framed == "chunked":
        pieces = (body[place : place + 9999] for place in range(0, len(body), 9999))
        request = post("relay", "Transfer-Encoding: chunked", body=chunked(*pieces))
    async with open_program() as program:
        assert (await ask(program.client(), request)).status == 200
        (asked,) = program.engine.asked
        sent = orjson.loads(body)
        assert {name: asked.body[name] for name in sent} == sent


async def test_an_address_is_refused_in_a_large_request_too(autojump_clock: MockClock) -> None:
    body = _about(_image("http://localhost/" + "x" * READ_AT_ONCE))
    async with open_program() as program:
        reply = await ask(
            program.client(), post("relay", f"Content-Length: {len(body)}", body=body)
        )
        assert reply.status == 400
        assert reply.json["error"]["code"] == "invalid_image_url"


async def test_a_broken_string_in_a_large_request_is_told(autojump_clock: MockClock) -> None:
    body = _about(_image(IMAGE)).replace(b"+/iVBORw0", b"+/\niVBORw0", 1)
    async with open_program() as program:
        reply = await ask(
            program.client(), post("relay", f"Content-Length: {len(body)}", body=body)
        )
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_json")
        assert "neither belongs to a string" in reply.json["error"]["message"]


@pytest.mark.parametrize(("words", "status"), [(900, 200), (1000, 413)])
async def test_what_is_parsed_in_one_step_has_a_limit(
    autojump_clock: MockClock, words: int, status: int
) -> None:
    body = orjson.dumps({**CHAT, "user": "x" * words})
    async with open_program(config=SMALL_JSON) as program:
        request = post("relay", f"Content-Length: {len(body)}", body=body)
        reply = await ask(program.client(), request)
        assert reply.status == status
        if status != 200:
            assert reply.json["error"]["code"] == "request_too_large"
            assert "the limit of 1000 bytes" in reply.json["error"]["message"]
