"""The hostile clients: what each does, how often, and what it is to be answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from attrs import frozen

from tests.bench.hostile.step import HalfClose, Listen, Pause, Script, Send, Wait

MEGABYTE = b"x" * 1_000_000
CUT_WITHIN = 1.0
"""Seconds of the limits that the measured program has shortened, so that all is seen in time."""
CUT = ("200, closed", "200, reset")
"""An endless answer has begun, and was broken off."""
PIPELINED = 16


@frozen
class Target:
    """Where the offence happens."""

    host: str
    path: str
    model: str

    def endless(self, rate: int = 50) -> bytes:
        """Return a request for an answer without an end, at so many tokens a second."""
        return self.chat(self.model, rate, "keep-alive")

    def chat(self, model: str, rate: int, connection: str) -> bytes:
        """Return a request."""
        fields = {"model": model, "stream": True, "bench_rate": rate, "bench_tokens": 10**9}
        body = json.dumps({**fields, "messages": []}).encode()
        return self.head(len(body), connection) + body

    def head(self, length: int, connection: str) -> bytes:
        """Return the head of a request with so long a body."""
        lines = f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: {length}\r\n"
        return f"{lines}Connection: {connection}\r\n\r\n".encode()


@frozen(kw_only=True)
class Offence:
    """One sort of hostile client.

    There are ``at_once`` of them: all from the beginning, each followed by the
    next; or, with a ``rate``, so many a second for as long as there are fewer.
    """

    name: str
    script: Callable[[Target], Script]
    at_once: int
    rate: int = 0
    answers: tuple[str, ...]
    """What it may be answered."""
    megabytes: float = 16.0
    """What the program may take of memory meanwhile."""
    lasts: float = 1.0
    """How long it is measured, as a share of what was asked for."""


def stop_reading(target: Target) -> Script:
    """Ask for tokens as fast as they can come, and read none of them for a while."""
    yield Send(target.endless(rate=0))
    yield Pause(2 * CUT_WITHIN)
    yield Listen()


def dribble(target: Target) -> Script:
    """Send a request a byte a second."""
    for byte in target.endless():
        yield Send(bytes([byte]))
        yield Wait(1.0)


def idle(_: Target) -> Script:
    """Ask for nothing."""
    yield Listen()


def send_large(target: Target, megabytes: int) -> Script:
    """Send one message of so many MB, 200 MB a second, in a request that is otherwise in order."""
    fields = {"model": target.model, "bench_tokens": 1, "bench_rate": 0, "stream": True}
    opening = json.dumps({**fields, "messages": [{"role": "user", "content": ""}]}).encode()
    opening, closing = opening[:-4], opening[-4:]
    length = len(opening) + megabytes * len(MEGABYTE) + len(closing)
    yield Send(target.head(length, "close") + opening)
    for _ in range(megabytes):
        yield Send(MEGABYTE)
        yield Wait(1 / 200)
    yield Send(closing)
    yield Listen()


def flood_headers(target: Target) -> Script:
    """Send a head of 100 KB."""
    line = b"X-Flood-%d: " + b"x" * 80 + b"\r\n"
    yield Send(b"GET / HTTP/1.1\r\nHost: %b\r\n" % target.host.encode())
    yield Send(b"".join(line % number for number in range(1000)) + b"\r\n")
    yield Listen()


def connect(_: Target) -> Script:
    """Leave at once."""
    yield from ()


def half_close(target: Target) -> Script:
    """Ask for an endless answer, and say that nothing more will be sent."""
    yield Send(target.endless())
    yield HalfClose()
    yield Listen()


def pipeline(target: Target) -> Script:
    """Send many small requests at once; each of them names no model that there is."""
    asked = [target.chat("none", 0, "keep-alive")] * (PIPELINED - 1)
    yield Send(b"".join(asked) + target.chat("none", 0, "close"))
    yield Listen()


def flood_behind(target: Target) -> Script:
    """Send request after request behind an endless answer."""
    yield Send(target.endless())
    more = target.endless() * 200
    while True:
        yield Send(more)
        yield Pause(0.05)


NOBODY = Offence(name="nobody", script=connect, at_once=0, answers=())
"""No offence at all: how much the figures move by themselves."""

OFFENCES: tuple[Offence, ...] = (
    Offence(name="stops reading", script=stop_reading, at_once=8, answers=CUT),
    Offence(name="a byte a second", script=dribble, at_once=64, answers=("408, closed",)),
    Offence(
        name="2,000 idle connections",
        script=idle,
        at_once=2000,
        answers=("nothing, still open",),
        megabytes=16 + 2000 * 0.015,
    ),
    Offence(
        name="10 bodies of 200 MB a second",
        script=partial(send_large, megabytes=200),
        at_once=10,
        rate=10,
        answers=("413, closed", "413, reset"),
    ),
    Offence(
        name="a 60 MB body, which is taken",
        script=partial(send_large, megabytes=60),
        at_once=1,
        answers=("200, closed",),
        megabytes=16 + 3 * 60,  # as it came, as it was understood, and as it is passed on
        lasts=2.0,
    ),
    Offence(
        name="100 floods of headers a second",
        script=flood_headers,
        at_once=50,
        rate=100,
        answers=("431, closed",),
    ),
    Offence(
        name="500 connects a second",
        script=connect,
        at_once=50,
        rate=500,
        answers=("nothing, left",),
    ),
    Offence(
        name="20 half-closed requests a second",
        script=half_close,
        at_once=50,
        rate=20,
        answers=(
            "nothing, closed",
            *CUT,
        ),
    ),
    Offence(
        name="10 pipelines a second",
        script=pipeline,
        at_once=20,
        rate=10,
        answers=(f"{PIPELINED} × 404, closed",),
    ),
    Offence(name="requests behind an endless answer", script=flood_behind, at_once=4, answers=CUT),
)
