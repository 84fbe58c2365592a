from __future__ import annotations

import socket

import pytest

from llama_runner.platforms.resetting import reset_when_closed
from tests.support.memory_network import tcp_pair


def test_the_other_end_of_a_connection_sees_a_reset() -> None:
    ours, theirs = tcp_pair()
    with theirs:
        theirs.setblocking(True)
        reset_when_closed(ours)
        ours.close()
        with pytest.raises(ConnectionError):
            # Wine 8 tells of it only to who writes; behind an orderly close one may write once.
            assert theirs.recv(1) == b""
            theirs.send(b"x")


def test_a_socket_that_is_closed_already_needs_none() -> None:
    sock = socket.socket()
    sock.close()
    reset_when_closed(sock)
    assert sock.fileno() == -1
