"""Listeners on real loopback sockets: accepting, and the steps of a stop."""

from __future__ import annotations

import errno
import os
import socket

import orjson
import psutil
import pytest
import trio

from llama_runner.platforms.resetting import reset_when_closed
from llama_runner.errors import PortTaken
from llama_runner.http.address import bind
from llama_runner.http.listener import LAST_WORDS
from tests.support.front_door import ask, next_reply, replies_in
from tests.support.http_client import request_bytes
from tests.support.listening import MODELS, SOON, listening
from tests.support.program import STREAM
from tests.support.scripted_engine import TokenScript

pytestmark = pytest.mark.slow


async def test_idle_connections_are_gone_at_once() -> None:
    async with listening() as listener:
        fresh, used = await listener.connect(), await listener.connect()
        assert (await ask(used, MODELS, "GET")).status == 200
        streaming = await listener.streaming()
        listener.program.stop.request()
        with trio.fail_after(SOON):
            assert await fresh.until_closed() == b""
            assert await used.until_closed() == b""
        assert not listener.ended.is_set()
        with pytest.raises(OSError, match=os.strerror(errno.ECONNREFUSED)):
            await listener.connect()
        streaming.close()
        with trio.fail_after(SOON):
            await listener.ended.wait()


async def test_answers_may_finish_within_the_grace() -> None:
    async with listening(TokenScript(tokens=30, every=0.02)) as listener:
        clients = [await listener.streaming() for _ in range(2)]
        listener.program.stop.request()
        for client in clients:
            data = await client.until_closed()
            assert data.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
            assert b'"error"' not in data
            assert b"t29 " in data
        with trio.fail_after(SOON):
            await listener.ended.wait()


@pytest.mark.parametrize("hurried", [False, True])
async def test_an_interrupted_answer_says_a_last_word(hurried: bool) -> None:
    async with listening(grace=60.0 if hurried else 0.2) as listener:
        clients = [await listener.streaming() for _ in range(2)]
        loading = await listener.connect()
        await loading.send(request_bytes(body={**STREAM, "model": "b", "stream": False}))
        await trio.sleep(0.1)
        listener.program.stop.request()
        if hurried:
            listener.program.stop.request()
        with trio.fail_after(SOON):
            for client in clients:
                events = (await client.until_closed()).split(b"data: ")
                assert b'"shutting_down"' in events[-2]
                assert events[-1].startswith(b"[DONE]\n\n\r\n0\r\n\r\n")
            (refused,) = replies_in(await loading.until_closed())
            assert refused.status == 503
            assert refused.json["error"]["code"] == "shutting_down"
            await listener.ended.wait()
        assert all(asked.closed_at is not None for asked in listener.program.engine.asked)


async def test_a_client_that_stops_reading_does_not_hold_up_the_stop() -> None:
    async with listening(_Flood(), grace=0.2) as listener:
        stuck = await listener.connect()
        await stuck.send(request_bytes(body=STREAM))
        await trio.sleep(0.5)
        began = trio.current_time()
        listener.program.stop.request()
        await listener.ended.wait()
        assert trio.current_time() - began < 0.2 + LAST_WORDS + SOON


class _Flood(TokenScript):
    """More than any buffer between the two ends can hold."""

    async def __call__(self, asked: object, connection: object) -> None:
        await connection.start_stream()  # type: ignore[attr-defined]
        while True:
            await connection.event("x" * 65536)  # type: ignore[attr-defined]


async def test_a_slow_reader_gets_its_last_word_where_it_belongs() -> None:
    async with listening(_Flood(), grace=0.2) as listener:
        slow = await listener.connect()
        await slow.send(request_bytes(body=STREAM))
        await trio.sleep(0.5)
        listener.program.stop.request()
        await trio.sleep(0.6)
        (reply,) = replies_in(await slow.until_closed())
        *whole, error, done, rest = reply.body.split(b"\n\n")
        assert {event for event in whole[1:] if b"xx" in event} == {b"data: " + b"x" * 65536}
        assert orjson.loads(error.removeprefix(b"data: "))["error"]["code"] == "shutting_down"
        assert (done, rest) == (b"data: [DONE]", b"")


async def test_a_half_sent_request_is_cut_when_the_grace_is_over() -> None:
    async with listening(grace=0.2) as listener:
        head, body = await listener.connect(), await listener.connect()
        await head.send(MODELS[:20])
        await body.send(request_bytes(body=STREAM)[:-5])
        await trio.sleep(0.1)
        listener.program.stop.request()
        with trio.fail_after(SOON):
            await head.until_closed()
            await body.until_closed()
            await listener.ended.wait()
        assert listener.program.engine.bytes_received == 0


async def test_clients_that_leave_at_once_do_no_harm() -> None:
    async with listening() as listener:
        for data in (b"", b"G", MODELS, request_bytes(body=STREAM)) * 5:
            client = await listener.connect()
            reset_when_closed(client.sock)
            await client.send(data)
            client.close()
        assert (await ask(await listener.connect(), MODELS, "GET")).status == 200


async def test_a_last_answer_is_not_lost_to_input_that_nobody_reads() -> None:
    refused = b"POST /v1/models HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 300000\r\n\r\n"
    async with listening() as listener:
        for _ in range(5):
            client = await listener.connect()
            await client.send(refused + b"x" * 300_000)
            assert (await next_reply(client)).status == 403


def test_a_taken_port_names_the_program_that_has_it() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            bind("127.0.0.1", port)
    name = psutil.Process().name()
    assert str(caught.value) == f"127.0.0.1:{port} is taken by {name} (process {os.getpid()})"


def test_an_address_that_is_not_ours_is_not_blamed_on_another_program() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match="cannot be listened on"):
            bind("192.0.2.1", port)  # reserved for documentation (RFC 5737)


def test_a_port_can_be_had_again_at_once() -> None:
    with bind("127.0.0.1", 0) as first, socket.socket() as client:
        port = first.getsockname()[1]
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        _await_accept(first).close()  # our end closes first and has to linger in TIME_WAIT
    with bind("127.0.0.1", port) as second:
        assert second.getsockname()[1] == port
        assert not second.getblocking()


def _await_accept(sock: socket.socket) -> socket.socket:
    sock.settimeout(10)
    return sock.accept()[0]


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_can_be_listened_on() -> None:
    try:
        with bind("::1", 0) as sock:
            assert sock.family == socket.AF_INET6
    except PortTaken as error:
        assert "cannot be listened on" in str(error)  # built in, yet switched off
