"""Connections: what they carry one after the other, how long they stay, how they end."""

from __future__ import annotations

import orjson
import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from tests.support.front_cases import BODY, SERVED, SMALL, chunked, everywhere, post
from tests.support.front_door import ask, replies_to
from tests.support.http_client import request_bytes
from tests.support.program import CHAT, STREAM, open_program
from tests.support.scripted_engine import FOREVER, ScriptedEngine, TokenScript


async def test_pipelined_requests_are_answered_in_order(autojump_clock: MockClock) -> None:
    models = request_bytes("GET", "/v1/models")
    requests = [
        models,
        request_bytes(body=CHAT),
        b"\r\n\r\n" + models,
        post("relay", "Transfer-Encoding: chunked", body=chunked(orjson.dumps(STREAM))),
        request_bytes("HEAD", "/v1/models"),
        request_bytes("GET", "/nothing", headers={"connection": "close"}),
        models,
    ]
    methods = ["GET", "POST", "GET", "POST", "HEAD", "GET", "GET"]
    async with open_program() as program:
        replies = await replies_to(program, b"".join(requests), *methods)
    assert [reply.status for reply in replies] == [200] * 6
    assert replies[0].json == replies[2].json
    assert replies[3].body.endswith(b"data: [DONE]\n\n")
    assert replies[4].body == b""
    assert replies[5].json["error"].startswith("Unexpected endpoint")


@everywhere
async def test_a_client_says_when_it_is_done(autojump_clock: MockClock, kind: str) -> None:
    request = post(kind, f"Content-Length: {len(BODY)}", "Connection: close", body=BODY)
    async with open_program() as program:
        (reply,) = await replies_to(program, request)
        assert reply.status == SERVED[kind]
        assert reply.headers["connection"] == "close"


@everywhere
async def test_an_older_client_sees_the_end_of_an_answer_by_the_closing(
    autojump_clock: MockClock, kind: str
) -> None:
    body = orjson.dumps(STREAM)
    lines = [f"Content-Length: {len(body)}", "Connection: keep-alive", "Expect: 100-continue"]
    request = post(kind, *lines, body=body, start="POST {} HTTP/1.0")
    async with open_program() as program:
        (reply,) = await replies_to(program, request)
    assert reply.status == SERVED[kind]
    assert "transfer-encoding" not in reply.headers
    if kind == "relay":
        assert reply.body.endswith(b"data: [DONE]\n\n")


async def test_head_is_answered_without_a_body(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        client = program.client()
        get = await ask(client, request_bytes("GET", "/v1/models"), "GET")
        head = await ask(client, request_bytes("HEAD", "/v1/models"), "HEAD")
        assert head.body == b""
        assert head.headers["content-length"] == get.headers["content-length"]
        refused = request_bytes("HEAD", "/v1/models", headers={"host": "evil.example"})
        (denied,) = await replies_to(program, refused, "HEAD")
        assert (denied.status, denied.body) == (403, b"")


async def test_empty_lines_before_a_request_are_passed_over(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        for pieces in ([b"\r\n\r\n"], [b"\r", b"\n"], [b"\r\n", b"\r", b"\n\r\n"]):
            client = program.client()
            for piece in pieces:
                await client.send(piece)
                await trio.sleep(1)
            assert (await ask(client, request_bytes("GET", "/v1/models"), "GET")).status == 200


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n"])
async def test_a_client_that_sends_nothing_is_hung_up(
    autojump_clock: MockClock, data: bytes
) -> None:
    async with open_program(config=SMALL) as program:
        client = program.client()
        await client.send(data)
        began = trio.current_time()
        assert await client.until_closed() == b""
        assert trio.current_time() - began == pytest.approx(75)


async def test_a_connection_is_kept_for_a_while_after_an_answer(
    autojump_clock: MockClock,
) -> None:
    async with open_program(config=SMALL) as program:
        client = program.client()
        for path in ("/v1/models", "/nothing", "/v1/models"):
            assert (await ask(client, request_bytes("GET", path), "GET")).status == 200
            await trio.sleep(70)
        began = trio.current_time()
        assert await client.until_closed() == b""
        assert trio.current_time() - began == pytest.approx(5)


async def test_requests_wait_within_the_look_ahead_while_an_answer_runs(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=10, every=1))
    request = request_bytes(body=STREAM) + request_bytes("GET", "/v1/models") * 10
    async with open_program(engine=engine, config=SMALL) as program:
        client = program.client()
        await client.send(request)
        await trio.sleep(60)
        client.sock.shutdown(1)
        data = await client.until_closed()
        assert data.count(b"HTTP/1.1 200") == 11


async def test_a_flood_beyond_the_look_ahead_ends_the_answer(autojump_clock: MockClock) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(engine=engine, config=SMALL) as program:
        client = program.client()
        await client.send(request_bytes(body=STREAM))
        await trio.sleep(3.5)
        flooded = trio.current_time()
        await client.send(request_bytes("GET", "/v1/models") * 100)
        await trio.sleep(2)
        assert engine.asked[0].closed_at == flooded + 1
        await client.until_closed()


async def test_a_head_may_be_larger_than_the_look_ahead(autojump_clock: MockClock) -> None:
    config = AppConfig(limits=LimitsConfig(max_head_bytes=200_000, lookahead_bytes=1000))
    request = request_bytes("GET", "/v1/models", headers={"x": "a" * 150_000})
    async with open_program(config=config) as program:
        assert (await ask(program.client(), request, "GET")).status == 200


async def test_a_large_body_is_taken_whatever_the_look_ahead(autojump_clock: MockClock) -> None:
    config = AppConfig(limits=LimitsConfig(lookahead_bytes=1000, max_head_bytes=1000))
    padded = orjson.dumps({**CHAT, "user": "x" * 3_000_000})
    async with open_program(config=config) as program:
        client = program.client()
        for request in (
            post("relay", f"Content-Length: {len(padded)}", body=padded),
            post("quart", "Transfer-Encoding: chunked", body=chunked(padded[:70000])),
            request_bytes("GET", "/v1/models"),
        ):
            method = request.split()[0].decode()
            assert (await ask(client, request, method)).status == 200
        assert len(program.engine.asked[0].body["user"]) == 3_000_000
