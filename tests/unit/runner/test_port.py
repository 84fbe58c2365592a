from __future__ import annotations

import socket
import sys

from llama_runner.runner.port import free_port, is_taken


def test_the_port_can_be_bound():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


def test_a_port_is_taken_while_somebody_listens_there():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert is_taken("127.0.0.1", port)
    assert not is_taken("127.0.0.1", port)


def test_connections_that_were_closed_take_no_port():
    with socket.socket() as listener:
        if sys.platform != "win32":
            # As engines do, and every server that wants its port back.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            ours, _ = listener.accept()
            ours.close()
            assert client.recv(1) == b""
    assert not is_taken("127.0.0.1", port)
