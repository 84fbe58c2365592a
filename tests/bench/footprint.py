"""What is measured on a program of its own: memory, leaving clients, its end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence

from attrs import frozen

from tests.bench.arithmetic import percentile
from tests.bench.loading import NOTHING, Shape, under_load
from tests.bench.process import Served, python_module, resident_bytes, served
from tests.bench.rounds import counts

PIECES_BEFORE_LEAVING = 3
NOTICED_WITHIN = 10.0


@frozen(kw_only=True)
class Amounts:
    """How much is asked for."""

    streams: int = 1000
    connections: int = 2000
    cancels: int = 20
    opening: float = 2.0
    """Seconds in which the streams are opened."""


def footprint(
    name: str, load: Sequence[str], upstream: Served, amounts: Amounts
) -> Mapping[str, float]:
    """Return the rows of one variant by their names."""
    rows: dict[str, float] = {}
    with served(python_module(name, str(upstream.port)), upstream.model) as target:
        rows["RSS per open stream, KB"] = _per_stream(load, target, amounts) / 1e3
    with served(python_module(name, str(upstream.port)), upstream.model) as target:
        assert target.process is not None
        cancels = [_cancel(target, upstream) for _ in range(amounts.cancels)]
        rows["cancel p50, ms"] = percentile(cancels, 0.5)
        rows["cancel max, ms"] = max(cancels)
        idle = resident_bytes(target.process)
        connections = Shape(streams=amounts.connections, tokens=NOTHING)
        with under_load(load, target, connections, 0.5, 0.1):
            each = (resident_bytes(target.process) - idle) / amounts.connections
        rows["RSS idle, MB"] = idle / 1e6
        rows["RSS per idle connection, KB"] = each / 1e3
        began = time.monotonic()
    rows["stop, ms"] = 1e3 * (time.monotonic() - began)
    return rows


def _per_stream(load: Sequence[str], target: Served, amounts: Amounts) -> float:
    assert target.process is not None
    with under_load(load, target, Shape(streams=1, tokens=1), 0.1, 0.1):
        before = resident_bytes(target.process)
    streams = Shape(streams=amounts.streams, rate=1)
    with under_load(load, target, streams, amounts.opening, 0.2):
        return (resident_bytes(target.process) - before) / amounts.streams


def _cancel(target: Served, upstream: Served) -> float:
    """Leave a stream in its midst; return after how many milliseconds the upstream knew."""
    before = counts(upstream)["broken_off"]
    with socket.create_connection((target.host, target.port)) as client:
        client.sendall(_request(target))
        for _ in range(PIECES_BEFORE_LEAVING):
            client.recv(65536)
    left = time.monotonic_ns()
    end = time.monotonic() + NOTICED_WITHIN
    while (now := counts(upstream))["broken_off"] == before:
        if time.monotonic() > end:
            return 1e3 * NOTICED_WITHIN
        time.sleep(0.002)
    return max(0.0, (int(now["last_closed"]) - left) / 1e6)


def _request(target: Served) -> bytes:
    fields = {"model": target.model, "stream": True, "bench_tokens": 10_000, "bench_rate": 50}
    body = json.dumps(fields | {"messages": [{"role": "user", "content": "Hi"}]}).encode()
    head = f"POST {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
