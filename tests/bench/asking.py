"""Asks one question at a time, and notes when which part of the answer came."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

from attrs import frozen

from tests.bench.process import Served

PATIENCE = 60.0
SETTLED_WITHIN = 1.0
POLL = 0.01
RECEIVE_BYTES = 65536
EVENT, LAST_CHUNK = b"data: {", b"0\r\n\r\n"


@frozen
class Asked:
    """When the answer began and ended, in seconds since it was asked for.

    A stream begins with its first event, an answer in one piece with its end.
    """

    first: float
    last: float
    events: int
    """How many events a stream had, the last word left out."""

    @property
    def per_event(self) -> float:
        """The seconds from one event to the next."""
        return (self.last - self.first) / max(1, self.events - 1)


def ask(target: Served, fields: Mapping[str, Any]) -> Asked:
    """Ask on a connection of its own, made beforehand.

    Raises:
        RuntimeError: the answer was not what it should be.
    """
    connection = HTTPConnection(target.host, target.port, timeout=PATIENCE)
    connection.connect()
    try:
        return _ask(connection, target, fields)
    finally:
        connection.close()


def _ask(connection: HTTPConnection, target: Served, fields: Mapping[str, Any]) -> Asked:
    body = json.dumps({"model": target.model, **fields})
    assert connection.sock is not None
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    began = time.perf_counter()
    connection.request("POST", target.path, body, _headers(target))
    response = connection.getresponse()
    content, first = b"", None
    while piece := response.read1(RECEIVE_BYTES):
        content += piece
        if first is None and EVENT in content:  # what comes before may be a heartbeat
            first = time.perf_counter() - began
    last = time.perf_counter() - began
    if response.status != 200 or b'"error"' in content:
        raise RuntimeError(f"an answer of {response.status}: {content[:200]!r}")
    return Asked(last if first is None else first, last, content.count(EVENT))


def leave_after(target: Served, fields: Mapping[str, Any], events: int, pause: float = 0.0) -> int:
    """Ask for a stream and leave it in its midst; return the time (monotonic, in ns) of that."""
    body = json.dumps({"model": target.model, "stream": True, **fields}).encode()
    lines = [f"{name}: {value}\r\n" for name, value in _headers(target).items()]
    head = f"POST {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n{''.join(lines)}"
    with socket.create_connection((target.host, target.port), PATIENCE) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        received = b""
        while received.count(EVENT) < events and not received.endswith(LAST_CHUNK):
            data = client.recv(RECEIVE_BYTES)
            if not data:
                raise RuntimeError(f"the answer broke off: {received[:200]!r}")
            received += data
        time.sleep(pause)
        left = time.monotonic_ns()
    return left


def told_by(engine: Served, path: str = "/") -> Any:
    """Return what an engine tells at this path; a scripted one what it has counted at ``/``."""
    connection = HTTPConnection(engine.host, engine.port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=_headers(engine))
        return json.load(connection.getresponse())
    finally:
        connection.close()


@contextmanager
def settle(upstream: Served) -> Iterator[None]:
    """Do something, and wait until no more is being answered than was before."""
    before = told_by(upstream)["busy"]
    yield
    end = time.monotonic() + SETTLED_WITHIN
    while told_by(upstream)["busy"] > before and time.monotonic() < end:
        time.sleep(POLL)


def _headers(target: Served) -> dict[str, str]:
    key = {"Authorization": f"Bearer {target.key}"} if target.key else {}
    return {"Content-Type": "application/json", **key}
