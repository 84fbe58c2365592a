"""Lets the system notice a client whose machine vanished, which says nothing any more."""

from __future__ import annotations

import socket
from contextlib import suppress

SILENT_FOR = 30
"""Seconds of silence after which the system asks whether the other end still exists."""
ASKED_EVERY = 10
ASKED_TIMES = 3


def notice_vanishing(sock: socket.socket, unread_for: float) -> None:
    """Have the connection break once nobody answers for it.

    ``unread_for`` is how many seconds sent bytes may stay unconfirmed. Without it a
    stream into the void would last for as long as it fits the socket's buffer, and
    then for as long as the system tries again, which can be a quarter of an hour.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {
        "TCP_KEEPIDLE": SILENT_FOR,
        "TCP_KEEPINTVL": ASKED_EVERY,
        "TCP_KEEPCNT": ASKED_TIMES,
        "TCP_USER_TIMEOUT": round(1000 * unread_for),
    }.items():
        # Not every system has all of them.
        if (option := getattr(socket, name, None)) is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
