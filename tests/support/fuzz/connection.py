"""One connection of a client that may do anything."""

from __future__ import annotations

from enum import Enum
from random import Random

from attrs import frozen

from tests.support.fuzz.frames import frames
from tests.support.fuzz.oddities import FOREIGN
from tests.support.fuzz.requests import (
    FACADES,
    Request,
    handshake,
    pieces_of,
    plain_request,
    relay_request,
)
from tests.support.fuzz.spoiling import garble, spoil

PAUSES = (None, None, 0.0, 0.0, 0.001, 0.3, 5.0, 12.0)


class Ending(Enum):
    """What the client does once it has sent everything."""

    WAITS = "reads until the other side closes"
    LEAVES = "closes"
    HALF_CLOSES = "says that it sends no more, and reads on"


@frozen
class Fuzzed:
    """What is sent on one connection, in which writes, and how it is left.

    A pause in ``writes`` is in seconds, ``None`` for none at all, and 0 for as
    long as the other side has something to do.
    """

    name: str
    facade: str
    writes: tuple[tuple[bytes, float | None], ...]
    ending: Ending
    stays: float
    """Seconds after the last write before the client leaves, if it does."""
    requests: tuple[Request, ...]
    """What was meant to be sent, in order; all of it, if all of it is fine."""

    @property
    def sent(self) -> bytes:
        """All bytes."""
        return b"".join(data for data, _ in self.writes)

    @property
    def fine(self) -> bool:
        """Whether every request must be served: none is spoilt, or comes too slowly."""
        takes = sum(pause or 0 for _, pause in self.writes)
        return bool(self.requests) and takes < 8 and all(one.fine for one in self.requests)


def fuzzed(seed: int, number: int) -> Fuzzed:
    """Return connection ``number`` of a seed."""
    name = f"{seed}:{number}"
    chance = Random(name)
    facade = chance.choice(FACADES)
    requests, data = _what(chance, facade, name)
    ending = chance.choices(tuple(Ending), (60, 25, 15))[0]
    stays = chance.choice((0.0, 0.0, 0.5, 3.0, 40.0))
    return Fuzzed(name, facade, _writes(chance, data), ending, stays, tuple(requests))


def _what(chance: Random, facade: str, name: str) -> tuple[list[Request], bytes]:
    kind = chance.random()
    if kind < 0.06:
        return [], chance.choice((chance.randbytes(chance.randint(1, 400)), chance.choice(FOREIGN)))
    if kind < (0.2 if facade == "dashboard" else 0.08):
        return _talk(chance)
    requests = [_request(chance, f"{name}:{place}") for place in range(chance.choice((1, 1, 2, 4)))]
    if kind < 0.35:
        return requests, b"".join(request.raw() for request in requests)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        place = chance.randrange(len(requests))
        spoil(chance, requests[place], f"{name}:{place}")
    data = b"".join(chance.choice((b"", b"", b"\r\n")) + request.raw() for request in requests)
    if kind < 0.85:
        return requests, data
    return [], garble(chance, data) if kind < 0.93 else data[: chance.randint(0, len(data))]


def _request(chance: Random, mark: str) -> Request:
    return relay_request(chance, mark) if chance.random() < 0.6 else plain_request(chance)


def _talk(chance: Random) -> tuple[list[Request], bytes]:
    """Return a handshake and what may follow it once it is granted."""
    request = handshake(chance)
    if chance.random() < 0.3:
        spoil(chance, request, "")
    request.fine = False
    return [request], request.raw() + frames(chance)


def _writes(chance: Random, data: bytes) -> tuple[tuple[bytes, float | None], ...]:
    if chance.random() < 0.5:
        return ((data, None),)
    if chance.random() < 0.1:
        return tuple((data[place : place + 1], 0.0) for place in range(min(len(data), 200))) + (
            (data[200:], None),
        )
    return tuple((piece, chance.choice(PAUSES)) for piece in pieces_of(chance, data, 6))
