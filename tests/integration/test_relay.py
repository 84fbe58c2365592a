from __future__ import annotations

import json
from contextlib import aclosing

import orjson
import pytest
import trio
from trio.testing import MockClock

from llama_runner.events.exchange import Outcome
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.program import CHAT, STREAM, open_program
from tests.support.scripted_engine import FOREVER, ScriptedEngine, TokenScript


def events_of(body: bytes) -> list[bytes]:
    return [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]


async def test_a_streamed_chat_passes_through_without_progress_events(
    autojump_clock: MockClock,
) -> None:
    async with open_program() as program:
        client = program.client()
        await client.request(body=STREAM)
        reply = await client.reply()
    events = events_of(reply.body)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream"
    assert events[-1] == b"[DONE]"
    assert not any(b"prompt_progress" in event for event in events)
    deltas = [orjson.loads(event)["choices"][0]["delta"] for event in events[:-1]]
    assert [delta.get("content") for delta in deltas] == [None, "t0 ", "t1 ", "t2 ", None]


async def test_a_whole_answer_is_joined_from_a_stream(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        client = program.client()
        await client.request(body=CHAT)
        reply = await client.reply()
        asked = program.engine.asked[0]
    assert reply.json["choices"][0]["message"]["content"] == "t0 t1 t2 "
    assert reply.json["object"] == "chat.completion"
    assert asked.body["stream"] is True
    assert asked.body["return_progress"] is True


async def test_only_allowed_headers_reach_the_engine_and_come_back(
    autojump_clock: MockClock,
) -> None:
    private = {
        "authorization": "Bearer mine",
        "x-api-key": "mine",
        "x-conversation-id": "c1",
        "cookie": "a=b",
        "origin": "http://localhost:1234",
    }
    async with open_program() as program:
        client = program.client()
        await client.request(body=STREAM, headers=private)
        reply = await client.reply()
        asked = program.engine.asked[0]
    assert set(asked.headers) == {"host", "content-type", "authorization", "content-length"}
    assert asked.headers["authorization"] == "Bearer key"
    assert "access-control-allow-origin" not in reply.headers


async def test_one_connection_serves_relay_and_other_routes_in_turn(
    autojump_clock: MockClock,
) -> None:
    async with open_program() as program:
        client = program.client()
        for _ in range(2):
            await client.request("GET", path="/v1/models")
            assert [model["id"] for model in (await client.reply()).json["data"]] == ["a", "b"]
            await client.request(body=STREAM)
            assert (await client.reply()).body.endswith(b"data: [DONE]\n\n")


async def test_a_connection_to_the_engine_is_used_again(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        client = program.client()
        for _ in range(3):
            await client.request(body=CHAT)
            assert (await client.reply()).status == 200
        assert len(program.network.upstream) == 1


async def test_a_stale_connection_is_replaced_without_the_client_noticing(
    autojump_clock: MockClock,
) -> None:
    async with open_program() as program:
        client = program.client()
        await client.request(body=CHAT)
        await client.reply()
        await trio.sleep(5)
        await client.request(body=CHAT)
        assert (await client.reply()).status == 200
        assert len(program.network.upstream) == 2


async def test_a_client_that_waits_for_a_load_gets_heartbeats(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=12))
    async with open_program(spawn=spawn) as program:
        client = program.client()
        began = trio.current_time()
        await client.request(body=STREAM)
        await client.head()
        beats = []
        async with aclosing(client.pieces()) as pieces:
            async for piece in pieces:
                if piece.startswith(b"data:"):
                    break
                beats.append((trio.current_time() - began, piece))
    assert [at for at, _ in beats] == pytest.approx([1, 6, 11], abs=0.1)
    assert all(piece.startswith(b": loading") for _, piece in beats)


async def test_a_slow_prefill_is_told_in_heartbeats(autojump_clock: MockClock) -> None:
    engine = ScriptedEngine(TokenScript(batches=4, batch_takes=3.5))
    async with open_program(engine=engine) as program:
        client = program.client()
        await client.request(body=STREAM)
        reply = await client.reply()
    beats = [event for event in events_of(reply.body) if event.startswith(b":")]
    assert beats == [b": prompt 0/4", b": prompt 1/4", b": prompt 3/4", b": prompt 4/4"]


async def test_a_quick_answer_has_no_heartbeat(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        client = program.client()
        await client.request(body=STREAM)
        assert b":" not in {event[:1] for event in events_of((await client.reply()).body)}


async def test_an_answer_is_accounted_for(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        client = program.client()
        await client.request(body=STREAM)
        await client.reply()
        await trio.testing.wait_all_tasks_blocked()
        (exchange,) = program.exchanges
    assert exchange.outcome is Outcome.COMPLETED
    assert exchange.model == "a"
    assert exchange.usage is not None
    assert (exchange.usage.prompt_tokens, exchange.usage.completion_tokens) == (8, 3)


async def test_a_child_that_dies_while_streaming_ends_the_stream_with_an_error_event(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(engine=engine) as program:
        client = program.client()
        await client.request(body=STREAM)
        await client.head()
        async with aclosing(client.pieces()) as pieces:
            await anext(pieces)
            program.spawn.children[0].die(-9)
            rest = [piece async for piece in pieces]
    *_, error, done = events_of(b"".join(rest))
    assert done == b"[DONE]"
    assert orjson.loads(error)["error"]["code"] == "model_stopped"


async def test_a_failed_start_is_told_with_its_cause(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=5, exits_after=0.5, exit_code=1, prints=("bad luck",)))
    async with open_program(spawn=spawn) as program:
        client = program.client()
        await client.request(body=CHAT)
        reply = await client.reply()
    assert reply.status == 500
    assert reply.json["error"]["code"] == "model_load_failed"
    assert "bad luck" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (b"{bad", 400, None, "invalid_json"),
        (b"[1]", 400, None, "invalid_json"),
        ({**CHAT, "model": 5}, 400, "model", "invalid_type"),
        ({**CHAT, "stream": "yes"}, 400, "stream", "invalid_type"),
        ({**CHAT, "n": 0}, 400, "n", "invalid_type"),
        ({"model": "a"}, 400, "messages", "missing_required_parameter"),
        ({**CHAT, "tools": [{"minItems": 2, "maxItems": 1}]}, 400, "tools", "invalid_value"),
        ({**CHAT, "messages": "Hi"}, 400, "messages", "invalid_type"),
        ({**CHAT, "model": "nobody"}, 404, "model", "model_not_found"),
        ({**CHAT, "deep": json.loads("[" * 300 + "]" * 300)}, 400, None, "invalid_json"),
        ({**CHAT, "deep": json.loads('{"a":' * 300 + "1" + "}" * 300)}, 400, None, "invalid_json"),
        (b'{"deep":' * 2000 + b"1" + b"}" * 2000, 400, None, "invalid_json"),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    autojump_clock: MockClock, body: object, status: int, param: str | None, code: str
) -> None:
    async with open_program() as program:
        client = program.client()
        await client.request(body=body)
        reply = await client.reply()
        assert program.engine.asked == []
    assert reply.status == status
    assert reply.json["error"]["param"] == param
    assert reply.json["error"]["code"] == code


async def test_a_long_name_is_not_told_back(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        client = program.client()
        for body in ({**CHAT, "model": "x" * 100_000}, {**CHAT, "n": "x" * 100_000}):
            await client.request(body=body)
            assert len((await client.reply()).body) < 500


@pytest.mark.parametrize(
    "url", ["http://192.168.0.1/x.png", "https://example.org/x.png", "file:///etc/passwd", "x.png"]
)
async def test_images_are_taken_as_data_only(autojump_clock: MockClock, url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    body = {**CHAT, "messages": [{"role": "user", "content": [part]}]}
    async with open_program() as program:
        client = program.client()
        await client.request(body=body)
        reply = await client.reply()
        assert program.engine.asked == []
    assert reply.status == 400
    assert reply.json["error"]["param"] == "messages[0].content[0].image_url.url"
