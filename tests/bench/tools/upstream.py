"""The scripted upstream of upstream.c where there is no compiler, with the same arguments."""

from __future__ import annotations

import json
import random
import sys
import time
from functools import partial
from typing import Any

import trio
from attrs import define, field

from tests.bench.tools.engine import LOADING, Engine, engine_of

BURST = 16
HEAD_END = b"\r\n\r\n"
CHUNK = {"id": "chatcmpl-1", "model": "bench", "object": "chat.completion.chunk", "created": 1}
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
TIMINGS = {"cache_n": 0, "prompt_n": 8, "prompt_ms": 4.0, "predicted_n": 8, "predicted_ms": 9.0}


def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """Return one event of a stream, framed as a chunk."""
    choice = {"index": 0, "finish_reason": finish, "delta": delta}
    return framed(b"data: " + json.dumps({"choices": [choice], **CHUNK, **more}).encode())


def framed(line: bytes) -> bytes:
    """Return a line as an event and a chunk."""
    return b"%x\r\n%b\n\n\r\n" % (len(line) + 2, line)


OPENING = event({"role": "assistant", "content": None})
PROGRESS = event({}, prompt_progress={"total": 8, "cache": 0, "processed": 8, "time_ms": 4})
BEFORE_STAMP, AFTER_STAMP = event({"content": " bench_sent:" + "0" * 19}).split(b"0" * 19)
CLOSING = event({}, "stop", timings=TIMINGS) + framed(b"data: [DONE]") + b"0\r\n\r\n"


@define(eq=False)
class Upstream:
    """Answers every connection, and counts."""

    engine: Engine
    requests: int = field(default=0, init=False)
    broken_off: int = field(default=0, init=False)
    broken_off_at: int = field(default=0, init=False)
    busy: int = field(default=0, init=False)

    async def serve(self, client: trio.SocketStream) -> None:
        """Serve one connection to its end."""
        async with client:
            received = bytearray()
            while request := await self._request(client, received):
                if request[0].startswith(b"GET "):
                    await client.send_all(self._tell(request[0]))
                elif not await self._answer(client, json.loads(request[1])):
                    return

    async def _answer(self, client: trio.SocketStream, asked: dict[str, Any]) -> bool:
        """Answer; say whether the client stayed."""
        self.requests, self.busy = self.requests + 1, self.busy + 1
        stayed = False
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_watch, client, nursery.cancel_scope)
                await _send(client, asked)
                stayed = True
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            stayed = False
        self.busy -= 1
        if not stayed:
            self.broken_off, self.broken_off_at = self.broken_off + 1, time.monotonic_ns()
        return stayed

    def _tell(self, head: bytes) -> bytes:
        counts = {name: getattr(self, name) for name in ("requests", "broken_off", "broken_off_at")}
        status, fields = self.engine.tell(head, self.busy, counts)
        body = json.dumps(fields).encode()
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)

    async def _request(
        self, client: trio.SocketStream, received: bytearray
    ) -> tuple[bytes, bytes] | None:
        while HEAD_END not in received:
            if not (data := await _receive(client)):
                return None
            received += data
            if received.startswith(b"P") and not self.engine.first_asked_at:
                self.engine.first_asked_at = time.monotonic_ns()
        head = bytes(received.partition(HEAD_END)[0])
        start = len(head) + len(HEAD_END)
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        while len(received) < start + length:
            if not (data := await _receive(client)):
                return None
            received += data
        body = bytes(received[start : start + length])
        del received[: start + length]
        return head, body


async def _receive(client: trio.SocketStream) -> bytes:
    try:
        return bytes(await client.receive_some(65536))
    except trio.BrokenResourceError:
        return b""


async def _watch(client: trio.SocketStream, scope: trio.CancelScope) -> None:
    await trio.lowlevel.wait_readable(client.socket)
    scope.cancel()


async def _send(client: trio.SocketStream, asked: dict[str, Any]) -> None:
    tokens, rate = asked.get("bench_tokens", 8), asked.get("bench_rate", 0)
    if not asked.get("stream"):
        message = {"role": "assistant", "content": " token" * tokens}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        body = json.dumps({"choices": [choice], **CHUNK}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        await client.send_all(head % len(body) + body)
        return
    await client.send_all(STREAM_HEAD + (PROGRESS if asked.get("return_progress") else b""))
    before, due = OPENING, trio.current_time()
    while tokens > 0:
        burst = 1 if rate else min(tokens, BURST)
        token = BEFORE_STAMP + b"%019d" % time.monotonic_ns() + AFTER_STAMP
        await client.send_all(before + token * burst)
        before, tokens = b"", tokens - burst
        if rate and tokens:
            due += 1 / rate
            await trio.sleep_until(due)
    await client.send_all(CLOSING)


async def main(engine: Engine) -> None:
    """Serve until standard input ends, or says anything."""
    (listener,) = await trio.open_tcp_listeners(engine.port, host="127.0.0.1", backlog=1024)
    if not engine.launched:
        print(listener.socket.getsockname()[1], flush=True)
    engine.say("loading", LOADING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, Upstream(engine).serve, [listener]))
        nursery.start_soon(_load, engine)
        await trio.to_thread.run_sync(sys.stdin.readline)
        nursery.cancel_scope.cancel()


async def _load(engine: Engine) -> None:
    await trio.sleep(engine.loads_for * random.uniform(0.5, 1))  # noqa: S311 - no secret
    engine.become_ready()


if __name__ == "__main__":
    trio.run(main, engine_of(sys.argv[1:]))
