"""Whatever an engine answers, its client gets a whole answer, or hears that there is none."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.front_door import ask, on_virtual_clock
from tests.support.fuzz.broken_engine import BrokenEngine
from tests.support.fuzz.engine_replies import ASKED, STREAMED, WHOLE, broken
from tests.support.fuzz.faults import logged_faults
from tests.support.fuzz.strict_engine import LAST_CHUNK, STREAM_HEAD
from tests.support.fuzz.requests import pieces_of
from tests.support.http_client import RawClient, Reply, request_bytes
from tests.support.program import open_program

SEED = 1
END = b"data: [DONE]\n\n"
every_kind = pytest.mark.parametrize("kind", ASKED)


async def _answer(client: RawClient, kind: str) -> Reply:
    path, body, _ = ASKED[kind]
    with trio.fail_after(60):
        return await ask(client, request_bytes("POST", path, body))


def _events(reply: Reply) -> list[Any]:
    """Return the data of a stream's events, each of which is whole, up to the last one."""
    told, end, _ = reply.body.partition(b"data: [DONE]\n\n")
    assert end and told.endswith(b"\n\n"), reply
    events = [block for block in told.split(b"\n\n")[:-1] if not block.startswith(b":")]
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


def _failed(reply: Reply) -> bool:
    """Tell whether the client hears of a failure, in its dialect."""
    if reply.headers["content-type"] == "text/event-stream":
        fields = _events(reply)[-1]
    else:
        fields = reply.json
    assert ("error" in fields) or reply.status == 200, reply
    if "error" in fields:
        assert set(fields["error"]) == {"message", "type", "param", "code"}, reply
    return "error" in fields


async def _cut_everywhere(client: RawClient, engine: BrokenEngine, kind: str, step: int) -> None:
    right = ASKED[kind][2]
    # Nothing is missing for one who reads a stream, once its last event has come.
    whole = right.find(END) + len(END) if kind == "streamed" else len(right)
    for end in range(0, whole, step):
        engine.reply = (right[:end],)
        reply = await _answer(client, kind)
        assert _failed(reply) and reply.status in (200, 502), (end, reply)


@every_kind
def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(kind: str, soak: bool) -> None:
    async def converse() -> None:
        engine = BrokenEngine()
        async with open_program(upstream=engine.serve) as program:
            client = program.client()
            await _cut_everywhere(client, engine, kind, 1 if soak else 5)
            engine.reply = (ASKED[kind][2],)
            reply = await _answer(client, kind)
            assert reply.status == 200 and not _failed(reply)

    with logged_faults() as logged:
        on_virtual_clock(converse)
    assert logged == []


@every_kind
@pytest.mark.parametrize("excess", [b"x", b"0\r\n\r\n", STREAMED, WHOLE, WHOLE[:-9]])
async def test_what_follows_an_answer_is_not_taken_for_the_next_one(
    autojump_clock: MockClock, kind: str, excess: bytes
) -> None:
    right = ASKED[kind][2]
    engine = BrokenEngine(hangs_up=False)
    async with open_program(upstream=engine.serve) as program:
        client = program.client()
        for reply in (right + excess, right, right):
            engine.reply = (reply,)
            assert not _failed(await _answer(client, kind))
        assert len(program.network.upstream) == 2


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


NOTHING = {
    "a head": STREAM_HEAD,
    "no body": STREAM_HEAD + LAST_CHUNK,
    "no length": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "an end": STREAM_HEAD + _chunk(b"data: [DONE]\n\n") + LAST_CHUNK,
    "no choice": STREAM_HEAD + _chunk(b'data: {"choices":[]}\n\ndata: [DONE]\n\n') + LAST_CHUNK,
    "an object": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
}


@every_kind
@pytest.mark.parametrize("reply", NOTHING.values(), ids=NOTHING)
async def test_an_empty_answer_is_an_error(
    autojump_clock: MockClock, kind: str, reply: bytes
) -> None:
    for pieces in ((reply,), (reply[: len(STREAM_HEAD)], reply[len(STREAM_HEAD) :])):
        engine = BrokenEngine(pieces)
        async with open_program(upstream=engine.serve) as program:
            told = await _answer(program.client(), kind)
            assert _failed(told)
            assert told.status == 502 or b'"choices":[]' in told.body, told


def _judge(reply: Reply, kind: str) -> None:
    """See to it that a client can tell what became of its request, whatever it was."""
    if reply.headers["content-type"] == "text/event-stream":
        blocks = reply.body.replace(b"\r\n", b"\n").split(b"\n\n")
        assert blocks.pop() == b"", reply
        told = [line for line in blocks[-1].split(b"\n") if line.startswith(b"data:")]
        last = b"\n".join(line.removeprefix(b"data:").strip() for line in told)
        assert last == b"[DONE]" or last.startswith(b'{"error"'), reply
    elif reply.status != 200:
        assert _failed(reply), reply
        assert reply.status in (400, 404, 500, 502), reply
    elif kind in ("joined", "completed"):
        assert all(choice["finish_reason"] for choice in reply.json["choices"]), reply
        assert reply.json["choices"], reply
    else:  # handed on as it is
        body = reply.body.strip()
        assert body.startswith(b"{") and body.endswith(b"}"), reply


@every_kind
def test_no_answer_does_harm(kind: str, soak: bool) -> None:
    seed, count = (secrets.randbelow(1 << 32), 10_000) if soak else (SEED, 200)
    statuses: Counter[int] = Counter()

    async def converse() -> None:
        engine = BrokenEngine()
        async with open_program(upstream=engine.serve) as program:
            client = program.client()
            for number in range(count):
                chance = Random(f"{seed}:{kind}:{number}")
                engine.reply = tuple(pieces_of(chance, broken(chance, ASKED[kind][2])))
                reply = await _answer(client, kind)
                statuses[reply.status] += 1
                try:
                    _judge(reply, kind)
                    assert logged == []
                except AssertionError as error:
                    raise AssertionError(f"{seed}:{kind}:{number}: {engine.reply}") from error

    with logged_faults() as logged:
        on_virtual_clock(converse)
    assert {200, 502} - {*statuses} == set()
