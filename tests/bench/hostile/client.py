"""One hostile client: a connection, and what is still to be done on it."""

from __future__ import annotations

import socket

from attrs import define, field

from tests.bench.hostile.step import HalfClose, Listen, Pause, Script, Send, Wait

RECEIVE_BYTES = 1 << 18
KEPT_BYTES = 1 << 20
ENOUGH = 1 << 28
"""Bytes of an answer after which it is plain that it is not broken off."""
ANSWER = b"HTTP/1.1 "


@define(eq=False)
class Client:
    """Goes through its script a step at a time, and never waits."""

    sock: socket.socket
    script: Script
    registered: bool = field(default=False, init=False)
    over: str = field(default="", init=False)
    """How it ended: left, closed or reset; nothing while it goes on."""
    attentive: bool = field(default=False, init=False)
    _listening: bool = field(default=False, init=False)
    _unsent: memoryview = field(default=memoryview(b""), init=False)
    _until: float = field(default=0.0, init=False)
    _kept: bytes = field(default=b"", init=False)
    _received: int = field(default=0, init=False)

    @property
    def sending(self) -> bool:
        """Whether it waits until more can be sent."""
        return bool(self._unsent)

    def proceed(self, now: float) -> float | None:
        """Do all that can be done now; return when there is more to do, if that is known."""
        while not (self.over or self._listening):
            self._send()
            if self._unsent or self._listening:
                return None
            if now < self._until:
                return self._until
            self._next(now)
        return None

    def heed(self) -> None:
        """Take what came."""
        while self.attentive and not self.over:
            try:
                data = self.sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self.over = "reset"
                return
            self._take(data)

    def answer(self, end: str) -> str:
        """Say what it was answered, and how it ended."""
        count = self._kept.count(ANSWER)
        status = self._kept.partition(ANSWER)[2][:3].decode("ascii", "replace") or "nothing"
        return f"{status}, {end}" if count < 2 else f"{count} × {status}, {end}"

    def _take(self, data: bytes) -> None:
        if not data:
            self.over = "closed"
        self._listening = True
        self._unsent = memoryview(b"")
        self._received += len(data)
        if self._received > ENOUGH:
            self.over = "still answered"
        if len(self._kept) < KEPT_BYTES:
            self._kept += data

    def _next(self, now: float) -> None:
        self.attentive = False
        match next(self.script, None):
            case None:
                self.over = "left"
            case Send(data):
                self._unsent = memoryview(data)
            case Pause(seconds):
                self._until = now + seconds
            case Wait(seconds):
                self._until, self.attentive = now + seconds, True
            case HalfClose():
                self._shut()
            case Listen():
                self._listening = self.attentive = True

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:  # it was hung up on, and may have been told why
            self._unsent = memoryview(b"")
            self._listening = self.attentive = True

    def _shut(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._listening = self.attentive = True
