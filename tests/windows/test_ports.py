"""A listener's port on Windows: ours alone, or not at all."""

from __future__ import annotations

import socket
import sys

import pytest

from llama_runner.errors import PortTaken
from llama_runner.http.address import bind

assert sys.platform == "win32"


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def test_a_second_bind_fails():
    with bind("127.0.0.1", 0) as first, pytest.raises(PortTaken, match=str(port_of(first))):
        bind("127.0.0.1", port_of(first))


def test_nobody_can_share_our_port_by_asking_to():
    with bind("127.0.0.1", 0) as ours, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match=r"\[WinError 100(13|48)\]"):
            other.bind(("127.0.0.1", port_of(ours)))


def test_we_do_not_share_a_port_whose_owner_would():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken):
            bind("127.0.0.1", port_of(other))


def test_a_port_is_free_again_at_once():
    with bind("127.0.0.1", 0) as first:
        port = port_of(first)
        with socket.create_connection(("127.0.0.1", port)) as client:
            server, _ = first.accept()
            server.close()
            assert client.recv(1) == b""
    bind("127.0.0.1", port).close()
