"""Accepts connections one by one, also while the system has no more files to give."""

from __future__ import annotations

import errno
import logging
import socket

import trio
from attrs import define, field, frozen

from llama_runner.http.seldom import Seldom

logger = logging.getLogger(__name__)

PAUSE = 0.1
"""Seconds before the next try when the system has nothing to give."""

_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

# What went wrong with one connection before we had it, or was denied by a firewall (accept(2)).
_ITS_OWN_FAULT = {
    getattr(errno, name)
    for name in (
        *("EAGAIN", "EWOULDBLOCK", "EINTR", "ECONNABORTED", "ECONNRESET", "EPERM", "EPROTO"),
        *("ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ENONET", "ENOPROTOOPT"),
        *("EOPNOTSUPP", "ETIMEDOUT"),
    )
    if hasattr(errno, name)
}


@frozen
class Accepted:
    """A connection, and whether there was no file for it but the spare one."""

    sock: socket.socket
    address: str
    on_spare: bool = False


@define(eq=False)
class Acceptor:
    """The connections that come to one listening socket.

    It keeps one file open for nothing. When the system refuses another, that one is
    given up for the connection at the head of the queue, which can then be told why
    it is not served instead of being left without an answer.
    """

    _sock: socket.socket
    _spare: socket.socket | None = field(factory=socket.socket, init=False)
    _complaint: Seldom = field(factory=Seldom, init=False)

    async def accept(self) -> Accepted:
        """Wait for the next connection; every call lets all other tasks have their turn."""
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            if self._spare is None:
                self._spare = _another_file()
            try:
                sock, address = self._sock.accept()
                return Accepted(sock, address[0])
            except OSError as error:
                if error.errno not in _OUT_OF_FILES | _ITS_OWN_FAULT:
                    raise
                if error.errno in _ITS_OWN_FAULT:
                    continue
                if self._complaint.is_due():
                    logger.warning("there is nothing left to accept connections with: %s", error)
            if accepted := self._accept_on_spare():
                return accepted
            await trio.sleep(PAUSE)

    def close(self) -> None:
        """Give back the spare file."""
        if self._spare is not None:
            self._spare.close()

    def _accept_on_spare(self) -> Accepted | None:
        if self._spare is None:
            return None
        self._spare.close()
        self._spare = None
        try:
            sock, address = self._sock.accept()
        except OSError:
            return None
        return Accepted(sock, address[0], on_spare=True)


def _another_file() -> socket.socket | None:
    try:
        return socket.socket()
    except OSError:
        return None
