"""The load client of load.c where there is no compiler, with the same arguments and output."""

from __future__ import annotations

import json
import socket
import sys
import time
from math import inf
from selectors import EVENT_READ, DefaultSelector

from attrs import define, field

from tests.bench.arithmetic import percentile

KEY = b"bench_sent:"
STAMP_DIGITS = 19


@define(eq=False)
class Stream:
    """One connection, on which one request follows the other."""

    sock: socket.socket
    asked_at: int = 0
    told_at: int = 0
    """When its last token came; 0 before the first."""
    answered: bool = False
    head: bytes | None = b""
    missing: float = inf
    tail: bytes = b""


@define(eq=False)
class Client:
    """All connections, and what was seen on them."""

    address: tuple[str, int]
    request: bytes
    selector: DefaultSelector = field(factory=DefaultSelector)
    measured_from: int | None = None
    requests: int = 0
    chunks: int = 0
    errors: int = 0
    first_bytes: list[float] = field(factory=list)
    delays: list[float] = field(factory=list)
    gaps: list[float] = field(factory=list)

    def connect(self) -> Stream:
        """Open one connection."""
        stream = Stream(socket.create_connection(self.address))
        self.selector.register(stream.sock, EVENT_READ, stream)
        return stream

    def ask(self, stream: Stream) -> None:
        """Begin a request."""
        stream.head, stream.missing, stream.tail, stream.answered = b"", inf, b"", False
        stream.asked_at, stream.told_at = time.monotonic_ns(), 0
        stream.sock.sendall(self.request)

    def take(self, stream: Stream) -> None:
        """Take what came on one connection."""
        data, now = stream.sock.recv(1 << 18), time.monotonic_ns()
        if not data:
            self._start_over(stream)
            return
        if stream.head is not None:
            data = self._after_head(stream, data)
        if data and not stream.answered:
            stream.answered = True
            if self.measured_from is not None and stream.asked_at >= self.measured_from:
                self.first_bytes.append((now - stream.asked_at) / 1e3)
        stream.missing -= len(data)
        self._count(stream, data, now)
        if stream.missing <= 0 or stream.missing == inf and stream.tail.endswith(b"0\r\n\r\n"):
            self.requests += 1
            self.ask(stream)

    def _start_over(self, stream: Stream) -> None:
        self.errors += stream.head != b""
        self.selector.unregister(stream.sock)
        stream.sock.close()
        stream.sock = socket.create_connection(self.address)
        self.selector.register(stream.sock, EVENT_READ, stream)
        self.ask(stream)

    def _after_head(self, stream: Stream, data: bytes) -> bytes:
        assert stream.head is not None
        head, end, rest = (stream.head + data).partition(b"\r\n\r\n")
        stream.head = None if end else head
        if end:
            self.errors += not head.startswith(b"HTTP/1.1 200")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            stream.missing = int(length) if length else inf
        return rest

    def _count(self, stream: Stream, data: bytes, now: int) -> None:
        """Count the tokens: their time stamps stand whole in what came, or end in what comes."""
        text = stream.tail + data
        *pieces, rest = text.split(KEY)
        stamps = [piece[:STAMP_DIGITS] for piece in [*pieces, rest][1:]]
        whole = [stamp for stamp in stamps if len(stamp) == STAMP_DIGITS]
        self.chunks += len(whole)
        if self.measured_from is not None:
            # A relay may have cut a chunk in two within the digits.
            times = [int(stamp) for stamp in whole if stamp.isdigit()]
            self.delays += [(now - time_sent) / 1e3 for time_sent in times]
            if whole and stream.told_at:
                self.gaps += [(now - stream.told_at) / 1e3, *[0.0] * (len(whole) - 1)]
        if whole:
            stream.told_at = now
        # Never a whole key with its stamp, or it would be counted twice.
        stream.tail = (KEY + rest if stamps and len(rest) < STAMP_DIGITS else rest)[-30:]

    def told(self) -> str:
        """Return what was seen, as JSON."""
        assert self.measured_from is not None
        seconds = (time.monotonic_ns() - self.measured_from) / 1e9
        counted = {name: getattr(self, name) for name in ("requests", "chunks", "errors")}
        samples = {
            "first_byte": summed_up(self.first_bytes),
            "delay": summed_up(self.delays),
            "gap": summed_up(self.gaps),
        }
        return json.dumps({"seconds": seconds, **counted, **samples})


def summed_up(values: list[float]) -> dict[str, float] | None:
    """Return what is told of many values."""
    if not values:
        return None
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    told = {name: percentile(values, share) for name, share in shares.items()}
    return {"count": len(values), **told}


def request(host: str, port: str, path: str, model: str, tokens: str, rate: str, on: str) -> bytes:
    """Return one request."""
    fields = {"model": model, "stream": on == "1", "bench_tokens": int(tokens)}
    messages = [{"role": "user", "content": "Count as far as you can."}]
    body = json.dumps(fields | {"bench_rate": int(rate), "messages": messages}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    """Do as load.c does."""
    host, port, path, model, streams, tokens, rate, streamed, warm, measured = sys.argv[1:]
    asked = request(host, port, path, model, tokens, rate, streamed)
    client = Client((host, int(port)), asked)
    opened = [client.connect() for _ in range(int(streams))]
    print("connected", flush=True)
    sys.stdin.readline()
    begin = time.monotonic_ns()
    measured_from, end = begin + int(warm) * 1_000_000, inf
    due = [
        begin + (measured_from - begin) * at // len(opened) * (rate != "0")
        for at in range(len(opened))
    ]
    waiting = list(zip(due, opened, strict=True)) if int(tokens) >= 0 else []
    while (now := time.monotonic_ns()) < end:
        while waiting and waiting[0][0] <= now:
            client.ask(waiting.pop(0)[1])
        if client.measured_from is None and now >= measured_from:
            client.measured_from, client.requests, client.chunks = now, 0, 0
            end = now + int(measured) * 1_000_000
            print("measuring", flush=True)
        for key, _ in client.selector.select(0.001):
            client.take(key.data)
    print(client.told(), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
