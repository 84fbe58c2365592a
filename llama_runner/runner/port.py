"""A loopback port for a child: one that is free, and whether it still is."""

from __future__ import annotations

import errno
import socket
import sys

# Windows says EACCES where another program has the port to itself.
_TAKEN = {errno.EADDRINUSE, errno.EACCES}


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on at this instant.

    Another program may take it before the child does; the runner then tries
    again with another one.
    """
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
    return port


def is_taken(host: str, port: int) -> bool:
    """Report whether somebody else has this port at this instant; never blocks."""
    with socket.socket() as listener:
        if sys.platform != "win32":
            # Old connections are in no engine's way, for engines ask for this as well. On
            # Windows they never are, and this would share the port with whoever has it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno in _TAKEN
    return False
