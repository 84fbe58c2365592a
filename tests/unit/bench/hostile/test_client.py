from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.bench.hostile.client import Client
from tests.bench.hostile.step import HalfClose, Listen, Pause, Script, Send, Step, Wait


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


def script(*steps: Step) -> Script:
    yield from steps


def test_a_script_is_gone_through_until_it_has_to_wait(ends) -> None:
    ours, theirs = ends
    client = Client(ours, script(Send(b"GET"), Pause(2.0), Send(b" /")))
    assert client.proceed(now=10.0) == 12.0
    assert theirs.recv(100) == b"GET"
    assert client.proceed(now=11.9) == 12.0 and not client.over
    assert client.proceed(now=12.0) is None
    assert theirs.recv(100) == b" /"
    assert client.answer(client.over) == "nothing, left"


def test_who_pauses_does_not_read_and_who_waits_does(ends) -> None:
    ours, theirs = ends
    client = Client(ours, script(Pause(1.0), Wait(1.0), Send(b"more")))
    client.proceed(now=0.0)
    theirs.send(b"HTTP/1.1 408 Too slow\r\n\r\n")
    client.heed()
    assert not client.attentive and client.answer("still open") == "nothing, still open"
    client.proceed(now=1.0)
    client.heed()
    assert client.answer("still open") == "408, still open"
    client.proceed(now=2.0)
    with pytest.raises(BlockingIOError):  # once it is answered it only listens
        theirs.recv(100)
    theirs.close()
    client.heed()
    assert client.answer(client.over) == "408, closed"


def test_what_does_not_fit_is_sent_later(ends) -> None:
    ours, theirs = ends
    client = Client(ours, script(Send(bytes(10_000_000)), Listen()))
    assert client.proceed(now=0.0) is None and client.sending
    received = 0
    while client.sending:
        received += len(theirs.recv(1 << 20))
        client.proceed(now=0.0)
    assert client.attentive


def test_who_is_hung_up_on_while_sending_reads_what_it_was_told(ends) -> None:
    ours, theirs = ends
    client = Client(ours, script(Pause(1.0), Send(b"x"), Pause(1.0), Send(b"x")))
    client.proceed(now=0.0)
    theirs.send(b"HTTP/1.1 431 Too large\r\n\r\n")
    theirs.close()
    client.proceed(now=1.0)
    assert client.attentive
    client.heed()
    assert client.answer(client.over) in ("431, closed", "431, reset")


def test_a_half_closed_client_can_still_be_answered(ends) -> None:
    ours, theirs = ends
    client = Client(ours, script(Send(b"GET"), HalfClose(), Listen()))
    client.proceed(now=0.0)
    assert (theirs.recv(100), theirs.recv(100)) == (b"GET", b"")
    theirs.send(b"HTTP/1.1 404 X\r\n\r\n" * 3)
    theirs.close()
    client.heed()
    assert client.answer(client.over) == "3 × 404, closed"
