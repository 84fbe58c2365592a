"""Binds a listener's socket, and says who is in the way when it cannot."""

from __future__ import annotations

import errno
import socket
import sys

import psutil

from llama_runner.errors import PortTaken

BACKLOG = 1024

# Windows says EACCES where another program has the port to itself.
_TAKEN = {errno.EADDRINUSE, errno.EACCES}


def bind(host: str, port: int) -> socket.socket:
    """Return a listening, non-blocking socket; port 0 takes any that is free.

    Raises:
        PortTaken: the address is in use (the message names the program, where
            the system tells), or cannot be had on this machine.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        _claim_alone(sock)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise PortTaken(_explain(host, port, error)) from error
    sock.setblocking(False)
    return sock


def _claim_alone(sock: socket.socket) -> None:
    if sys.platform == "win32":
        # SO_REUSEADDR would let two programs share the port there.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        # Only so that a restart need not wait for old connections to time out.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _explain(host: str, port: int, error: OSError) -> str:
    owner = _owner_of(port) if error.errno in _TAKEN else None
    if owner is not None:
        return f"{host}:{port} is taken by {owner}"
    return f"{host}:{port} cannot be listened on: {error.strerror or error}"


def _owner_of(port: int) -> str | None:
    """Name the program that listens on ``port``, if the system lets us see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
                pid = connection.pid
                return f"{psutil.Process(pid).name()} (process {pid})" if pid else None
    except psutil.Error:
        return None
    return None
