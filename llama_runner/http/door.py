"""Lets clients in to one listener, and tells those that are too many why they are not."""

from __future__ import annotations

import logging
import socket

import trio
from attrs import define, field

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.acceptor import Accepted, Acceptor
from llama_runner.http.answer import RETRY_LATER, head_of_whole
from llama_runner.http.front import Front
from llama_runner.http.site import JSON, Site
from llama_runner.http.network import network_of
from llama_runner.http.seldom import Seldom
from llama_runner.http.tally import Tally
from llama_runner.http.vanishing import notice_vanishing

logger = logging.getLogger(__name__)

SEEN_OFF_FOR = 1.0
"""Seconds in which a client that was turned away may read why."""

SEEN_OFF_AT_ONCE = 64
"""Clients beyond that many are hung up on at once: a flood must not be worth more."""

SHED_AT_ONCE = 16
"""Connections that end when files run out: what is served needs some files as well."""

CODE = "too_many_connections"


@define(eq=False)
class Door:
    """Admits connections to ``front`` within the limits of ``site``.

    When the listener is full, one on which nothing is answered makes room, the one
    that was idle for longest first: a program can hold as many as it likes without
    keeping others out. Who comes when all are busy is answered at once, since a
    connection left waiting tells its client nothing.
    """

    _acceptor: Acceptor
    _front: Front
    _site: Site
    _connections: trio.Nursery
    _networks: Tally = field(init=False)
    _full: bytes = field(init=False)
    _too_many: bytes = field(init=False)
    _open: int = field(default=0, init=False)
    _seen_off: int = field(default=0, init=False)
    _complaint: Seldom = field(factory=Seldom, init=False)

    def __attrs_post_init__(self) -> None:
        limits = self._site.limits
        self._networks = Tally(limits.max_connections_per_address)
        self._full = _answer(self._site, 503, "too many connections are busy; try again later")
        allowed = f"{limits.max_connections_per_address} connections"
        self._too_many = _answer(self._site, 429, f"your address has {allowed}, the most it may")

    async def keep(self) -> None:
        """Let clients in for as long as nobody cancels it."""
        while True:
            # One at a time: a flood of connects gets its turn between all others, not before.
            accepted = await self._acceptor.accept()
            if not _prepare(accepted.sock, self._site.limits):
                continue
            network = network_of(accepted.address)
            refusal = self._refusal(accepted, network)
            if refusal is None:
                self._open += 1
                self._connections.start_soon(self._serve, accepted.sock, network)
            else:
                self._turn_away(accepted, refusal)

    def _refusal(self, accepted: Accepted, network: str | None) -> bytes | None:
        """Return what to answer instead of serving; else the client is counted in."""
        if network is not None and not self._networks.add(network):
            return self._too_many
        if self._has_room(accepted):
            return None
        if network is not None:
            self._networks.remove(network)
        if self._complaint.is_due():
            logger.warning("turning clients away: all %d connections are busy", self._open)
        return self._full

    def _has_room(self, accepted: Accepted) -> bool:
        if accepted.on_spare:
            return self._front.make_room(SHED_AT_ONCE) > 0
        full = self._open >= self._site.limits.max_connections
        return not full or self._front.make_room() > 0

    async def _serve(self, sock: socket.socket, network: str | None) -> None:
        try:
            await self._front.serve(sock)
        finally:
            self._open -= 1
            if network is not None:
                self._networks.remove(network)

    def _turn_away(self, accepted: Accepted, answer: bytes) -> None:
        sock = accepted.sock
        try:
            sock.send(answer)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            return
        if accepted.on_spare or self._seen_off >= SEEN_OFF_AT_ONCE:
            sock.close()
            return
        self._seen_off += 1
        self._connections.start_soon(self._see_off, sock)

    async def _see_off(self, sock: socket.socket) -> None:
        """Let the client read the answer: closing with unread input would take it away again."""
        try:
            with sock, trio.move_on_after(SEEN_OFF_FOR):
                await _until_it_leaves(sock)
        finally:
            self._seen_off -= 1


async def _until_it_leaves(sock: socket.socket) -> None:
    while True:
        await trio.lowlevel.wait_readable(sock)
        try:
            if not sock.recv(65536):
                return
        except BlockingIOError:
            continue
        except OSError:
            return


def _prepare(sock: socket.socket, limits: LimitsConfig) -> bool:
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Left to itself, the system would hold megabytes for a client that reads nothing.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer_bytes)
        notice_vanishing(sock, limits.write_timeout)
    except OSError:
        sock.close()  # some systems refuse this once the client has left
        return False
    return True


def _answer(site: Site, status: int, message: str) -> bytes:
    body = site.refusal(status, message, CODE, "")
    return head_of_whole(status, JSON, len(body), RETRY_LATER, keeps_alive=False) + body
