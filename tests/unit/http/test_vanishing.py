from __future__ import annotations

import errno
import socket

import pytest

from llama_runner.http.vanishing import SILENT_FOR, notice_vanishing


def test_the_system_is_told_to_ask_for_a_silent_client() -> None:
    with socket.socket() as sock:
        notice_vanishing(sock, 2.5)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert _option(sock, "TCP_KEEPIDLE") in (None, SILENT_FOR)
        assert _option(sock, "TCP_USER_TIMEOUT") in (None, 2500)


def test_a_system_that_lacks_an_option_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(socket, "TCP_KEEPIDLE", raising=False)
    monkeypatch.setattr(socket, "TCP_KEEPINTVL", 9999, raising=False)  # which nobody knows
    with socket.socket() as sock:
        notice_vanishing(sock, 2.5)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def _option(sock: socket.socket, name: str) -> int | None:
    """Return an option's value, if this system has it; Wine 8 has some by name only."""
    option = getattr(socket, name, None)
    try:
        return None if option is None else sock.getsockopt(socket.IPPROTO_TCP, option)
    except OSError as error:
        if error.errno in (errno.ENOPROTOOPT, getattr(errno, "WSAENOPROTOOPT", None)):
            return None
        raise
