"""What we rely on in Hypercorn's H11Protocol and in Quart-Trio, none of it documented API."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
from quart import Response, request
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.access_cases import HANDSHAKE
from tests.support.front_door import ask, next_reply, replies_in
from tests.support.http_client import request_bytes
from tests.support.served_app import LIMITS, quart_app, serving


async def test_one_connection_serves_many_requests_one_at_a_time(
    autojump_clock: MockClock,
) -> None:
    app, running, most = quart_app(), 0, 0

    @app.get("/<int:number>")
    async def slow(number: int) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(1)
        running -= 1
        return Response(str(number))

    async with serving(app) as served:
        client = served.client()
        began = trio.current_time()
        for number in range(0, 1200, 2):
            pair = [request_bytes("GET", f"/{number + more}") for more in (0, 1)]
            await client.send(b"".join(pair))
            data = b""
            while data.count(b"HTTP/1.1 200") < 2 or not data.endswith(b"%d" % (number + 1)):
                data += await client.receive()
        assert most == 1
        assert trio.current_time() - began == pytest.approx(1200)


async def test_an_answer_may_take_longer_than_any_of_the_stacks_timeouts(
    autojump_clock: MockClock,
) -> None:
    app = quart_app()

    @app.get("/stream")
    async def stream() -> Response:
        await trio.lowlevel.checkpoint()

        async def pieces() -> AsyncGenerator[bytes, None]:
            for number in range(10):
                await trio.sleep(100)
                yield b"%d " % number

        return Response(pieces(), mimetype="text/plain")

    async with serving(app) as served:
        client = served.client()
        for _ in range(2):
            reply = await ask(client, request_bytes("GET", "/stream"), "GET")
            assert reply.body == b"0 1 2 3 4 5 6 7 8 9 "
            assert reply.headers["transfer-encoding"] == "chunked"


async def test_a_large_body_arrives_whole(autojump_clock: MockClock) -> None:
    app = quart_app()

    @app.post("/size")
    async def size() -> Response:
        await trio.sleep(100)
        return Response(str(len(await request.get_data())))

    body = b"x" * 5_000_000
    async with serving(app) as served:
        client = served.client()
        for _ in range(2):
            assert (await ask(client, request_bytes("POST", "/size", body))).body == b"5000000"


async def test_a_body_that_nobody_reads_leaves_the_connection_usable(
    autojump_clock: MockClock,
) -> None:
    app = quart_app()

    @app.post("/ignore")
    async def ignore() -> Response:
        await trio.lowlevel.checkpoint()
        return Response("done")

    async with serving(app) as served:
        client = served.client()
        for size in (3, 300_000, 0, 3):
            reply = await ask(client, request_bytes("POST", "/ignore", b"x" * size))
            assert (reply.status, reply.body) == (200, b"done")


async def test_no_body_is_taken_faster_than_it_can_be_held(autojump_clock: MockClock) -> None:
    async with serving(quart_app()) as served:
        client = served.client()
        client.sock.setblocking(False)
        await client.send(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nX: ")
        sent = 0
        with pytest.raises(BlockingIOError):
            while True:
                sent += client.sock.send(b"x" * 65536)
        await wait_all_tasks_blocked()
        assert (await next_reply(client, "GET")).status == 431


async def test_a_handler_that_raises_is_a_500_and_a_log_record(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = quart_app()

    @app.get("/bug")
    async def bug() -> Response:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("a bug")

    @app.get("/fine")
    async def fine() -> Response:
        await trio.lowlevel.checkpoint()
        return Response("fine")

    async with serving(app) as served:
        client = served.client()
        reply = await ask(client, request_bytes("GET", "/bug"), "GET")
        assert reply.status == 500
        assert reply.json["error"]["type"] == "server_error"
        assert "a bug" not in reply.json["error"]["message"]
        assert (await ask(client, request_bytes("GET", "/fine"), "GET")).body == b"fine"
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


async def test_a_stream_that_raises_ends_without_its_terminator(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = quart_app()

    @app.get("/bug")
    async def bug() -> Response:
        await trio.lowlevel.checkpoint()

        async def pieces() -> AsyncGenerator[bytes, None]:
            await trio.lowlevel.checkpoint()
            yield b"so far"
            raise ZeroDivisionError("a bug")

        return Response(pieces())

    async with serving(app) as served:
        client = served.client()
        await client.send(request_bytes("GET", "/bug"))
        data = await client.until_closed()
        assert data.endswith(b"6\r\nso far\r\n")
        assert (await ask(served.client(), request_bytes("GET", "/no"), "GET")).status == 404
    assert [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("begun", [False, True])
async def test_an_application_that_fails_by_itself_ends_only_its_connection(
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
    begun: bool,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError("a bug")

    async with serving(app) as served:
        for _ in range(2):
            client = served.client()
            await client.send(request_bytes("GET", "/"))
            data = await client.until_closed()
            assert (b" 500 " in data) is not begun
    assert [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_fault_in_the_protocol_stack_ends_only_its_connection(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("llama_runner.http.application.H11Protocol.handle", broken)
    async with serving(quart_app()) as served:
        for _ in range(2):
            client = served.client()
            await client.send(request_bytes("GET", "/"))
            assert [reply.status for reply in replies_in(await client.until_closed())] == [500]
    assert "GET / failed" in caplog.text


@pytest.mark.parametrize("phase", ["silent", "streaming"])
async def test_a_client_that_leaves_cancels_the_handler(
    autojump_clock: MockClock, phase: str
) -> None:
    app, cancelled = quart_app(), []

    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"more"
                await trio.sleep(1)
        finally:
            cancelled.append(trio.current_time())

    @app.get("/silent")
    async def silent() -> Response:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(trio.current_time())

    @app.get("/streaming")
    async def streaming() -> Response:
        await trio.lowlevel.checkpoint()
        return Response(pieces())

    async with serving(app) as served:
        client = served.client()
        await client.send(request_bytes("GET", f"/{phase}"))
        await trio.sleep(10.5)
        client.close()
        left = trio.current_time()
        await served.front.finished()
        assert cancelled == [left]


@pytest.mark.parametrize("headers", [{}, HANDSHAKE])
async def test_a_client_that_leaves_as_its_answer_begins_is_no_fault(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    async with serving(quart_app()) as served:
        client = served.client()
        await client.send(request_bytes("GET", "/nothing", headers=headers))
        client.close()
        await wait_all_tasks_blocked()
        await served.front.finished()
    assert caplog.records == []


async def test_a_client_that_stops_reading_is_cut_off(autojump_clock: MockClock) -> None:
    app = quart_app()

    @app.get("/endless")
    async def endless() -> Response:
        await trio.lowlevel.checkpoint()

        async def pieces() -> AsyncGenerator[bytes, None]:
            while True:
                await trio.lowlevel.checkpoint()
                yield b"x" * 65536

        return Response(pieces())

    async with serving(app) as served:
        await served.client().send(request_bytes("GET", "/endless"))
        began = trio.current_time()
        await trio.lowlevel.checkpoint()
        await served.front.finished()
        assert trio.current_time() - began <= LIMITS.write_timeout + 1


async def test_an_interrupted_answer_ends(autojump_clock: MockClock) -> None:
    app = quart_app()

    @app.get("/silent")
    async def silent() -> Response:
        await trio.sleep_forever()
        return Response()

    async with serving(app) as served:
        client = served.client()
        await client.send(request_bytes("GET", "/silent"))
        await trio.sleep(5)
        served.front.interrupt()
        reply = replies_in(await client.until_closed(), "GET")
        assert [one.status for one in reply] == [503]
