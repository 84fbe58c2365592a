"""Closing a connection by a reset, which destroys what is still on its way."""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress
from typing import Protocol

# struct linger { on, seconds }, whose fields are ints on POSIX and shorts on Windows.
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class _Socket(Protocol):
    """The standard library's, or trio's."""

    def setsockopt(self, level: int, optname: int, value: bytes, /) -> None: ...


def reset_when_closed(sock: _Socket) -> None:
    """Have the close of ``sock`` break its connection; one that is no TCP is closed as ever."""
    with suppress(OSError):  # some systems refuse this once the other end has left
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
