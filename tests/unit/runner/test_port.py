from __future__ import annotations

import socket

from llama_runner.runner.port import free_port


def test_the_port_can_be_bound():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
