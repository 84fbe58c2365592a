"""Commits one offence: ``… NAME HOST PORT PATH MODEL``, until it is told to end.

It says "at work" once all that begin with it are there, and in the end, after
a line on its standard input, what was done and answered, as JSON. It runs only
when nobody else wants the processor, so that it takes none from what is
measured.
"""

from __future__ import annotations

import heapq
import json
import os
import socket
import sys
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

import psutil
from attrs import define, field

from tests.bench.hostile.client import Client
from tests.bench.hostile.offences import NOBODY, OFFENCES, Offence, Target

TICK = 0.05
"""Seconds after which it looks whether it shall end."""


@define(eq=False)
class Attack:
    """All the clients of one offence."""

    offence: Offence
    target: Target
    address: tuple[str, int]
    selector: DefaultSelector = field(factory=DefaultSelector)
    clients: set[Client] = field(factory=set)
    due: list[tuple[float, int, Client]] = field(factory=list)
    answers: Counter[str] = field(factory=Counter)
    begun: int = 0
    _numbers: count[int] = field(factory=count)

    def begin(self) -> None:
        """Begin with all that there are from the beginning."""
        for _ in range(0 if self.offence.rate else self.offence.at_once):
            self._join()

    def go_on(self, ended: Future[str]) -> None:
        """Keep at it until the end."""
        started = time.monotonic()
        while not ended.done():
            now = time.monotonic()
            owed = int((now - started) * self.offence.rate) - self.begun if self.offence.rate else 0
            for _ in range(min(owed, self.offence.at_once - len(self.clients))):
                self._join()
            while self.due and self.due[0][0] <= now:
                self._proceed(heapq.heappop(self.due)[2])
            for key, _ in self.selector.select(self._patience(now)):
                client: Client = key.data
                client.heed()
                self._proceed(client)

    def told(self) -> dict[str, object]:
        """Return what was done and answered; what still goes on is called open."""
        self.answers.update(client.answer("still open") for client in self.clients)
        return {"begun": self.begun, "answers": dict(self.answers)}

    def _patience(self, now: float) -> float:
        following = [self.due[0][0]] if self.due else []
        if self.offence.rate:
            following.append(now + 1 / self.offence.rate)
        return max(0.0, min([now + TICK, *following]) - now)

    def _join(self) -> None:
        sock = socket.create_connection(self.address)
        sock.setblocking(False)
        client = Client(sock, self.offence.script(self.target))
        self.begun += 1
        self.clients.add(client)
        self._proceed(client)

    def _proceed(self, client: Client) -> None:
        """Let a client do what it can do now, and see to it that it is heard of again."""
        if client not in self.clients:
            return
        until = client.proceed(time.monotonic())
        if client.registered:
            self.selector.unregister(client.sock)
        if client.over:
            self.clients.remove(client)
            self.answers[client.answer(client.over)] += 1
            client.sock.close()
            if not self.offence.rate:
                self._join()
            return
        events = EVENT_WRITE * client.sending | EVENT_READ * client.attentive
        client.registered = bool(events)
        if events:
            self.selector.register(client.sock, events, client)
        if until is not None:
            heapq.heappush(self.due, (until, next(self._numbers), client))


def give_way() -> None:
    """Run only when nobody else wants to."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    elif hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


def main(name: str, host: str, port: str, path: str, model: str) -> None:
    """Commit one offence."""
    give_way()
    (offence,) = (offence for offence in (NOBODY, *OFFENCES) if offence.name == name)
    attack = Attack(offence, Target(host, path, model), (host, int(port)))
    with ThreadPoolExecutor(1) as reader:
        attack.begin()
        print("at work", flush=True)
        attack.go_on(reader.submit(sys.stdin.readline))
        print(json.dumps(attack.told()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
