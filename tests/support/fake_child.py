"""A child without a process, for the virtual clock.

It keeps the same contract as the real ones: ``tests/integration/test_child_contract.py``
runs against both.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count

import trio
from attrs import define, field, frozen
from trio.testing import MemoryReceiveStream, MemorySendStream, memory_stream_one_way_pair

from llama_runner.concurrency.first import first
from llama_runner.runner.child import Child, Slot
from llama_runner.runner.launch import Launch
from llama_runner.runner.server_process import EXIT_LINE_GRACE

_pids = count(1_000_001)


def fake_launch(name: str = "smol", **changes: object) -> Launch:
    """Return a launch that a fake spawner is content with."""
    settings: dict[str, object] = {
        "command": ("llama-server",),
        "environment": {},
        "port": 18080,
        "api_key": "key",
        "name": name,
    }
    return Launch(**{**settings, **changes})  # type: ignore[arg-type]


@frozen(kw_only=True)
class Behaviour:
    """How a fake child lives."""

    loads_for: float = 0.0
    exits_after: float = math.inf
    """Seconds after its spawn."""
    exit_code: int = 0
    prints: tuple[str, ...] = ()
    """Lines on stderr, right at its spawn."""
    stop_takes: float = 0.0
    """Seconds it needs to heed the exit line."""
    talks: bool = True
    """Whether it speaks the child protocol."""
    meta: Mapping[str, object] = field(factory=dict)
    """What it says of its model when it is ready."""
    props: Mapping[str, object] = field(factory=dict)
    """What /props says beside the number of slots that was asked for."""
    foreign: bool = False
    """Whether another program has its port, and answers there."""
    fails: OSError | None = None
    """Raised instead of spawning."""


@define(eq=False)
class FakeControl:
    """The control plane of a fake child."""

    _child: FakeChild
    busy: set[int] = field(factory=set, init=False)
    done: int = field(default=0, init=False)
    """How many tokens its first slot has read and written."""
    hangs: bool = field(default=False, init=False)
    """Whether nobody decodes any more: what asks for the slots is dropped, and leaves a line."""

    async def is_ready(self) -> bool:
        await trio.lowlevel.checkpoint()
        serves = self._child.loaded and self._child.exit_code is None
        return serves and not self._child.behaviour.foreign

    def port_is_taken(self) -> bool:
        return self._child.behaviour.foreign

    async def props(self) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        return {"total_slots": self._child.launch.slots, **self._child.behaviour.props}

    async def slots(self) -> tuple[Slot, ...]:
        if self.hangs:
            await self._child.print("srv          stop: cancel task, id_task = 7")
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return tuple(
            Slot(number, number in self.busy, 0 if number else self.done)
            for number in range(self._child.launch.slots)
        )


@define(eq=False)
class FakeChild:
    """A child that loads, prints, serves and ends as it is told to."""

    launch: Launch
    behaviour: Behaviour
    pid: int = field(factory=lambda: next(_pids), init=False)
    stdout: MemoryReceiveStream = field(init=False)
    stderr: MemoryReceiveStream = field(init=False)
    control: FakeControl = field(init=False)
    loaded: bool = field(default=False, init=False)
    exit_code: int | None = field(default=None, init=False)
    history: list[str] = field(factory=list, init=False)
    _has_served: bool = field(default=False, init=False)
    _messages: MemorySendStream = field(init=False)
    _log: MemorySendStream = field(init=False)
    _dead: trio.Event = field(factory=trio.Event, init=False)
    _hurried: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._messages, self.stdout = memory_stream_one_way_pair()
        self._log, self.stderr = memory_stream_one_way_pair()
        self.control = FakeControl(self)

    def served(self) -> None:
        self._has_served = True

    def hurry(self) -> None:
        self._hurried.set()

    async def wait(self) -> int:
        await self._dead.wait()
        assert self.exit_code is not None
        return self.exit_code

    async def print(self, line: str) -> None:
        """Print a line on stderr."""
        await self._log.send_all(line.encode() + b"\n")

    def die(self, code: int) -> None:
        """End now, as a crash would."""
        if self.exit_code is None:
            self.exit_code = code
            self.history.append(f"exited {code}")
            self._messages.close()
            self._log.close()
            self._dead.set()

    async def live(self) -> None:
        """Be a child until the end comes."""
        with trio.move_on_after(self.behaviour.exits_after):
            for line in self.behaviour.prints:
                await self.print(line)
            await self._say(
                "loading", {"stages": ["text_model"], "current": "text_model", "value": 0}
            )
            await trio.sleep(self.behaviour.loads_for)
            self.loaded = True
            await self._say("ready", dict(self.behaviour.meta))
            await trio.sleep_forever()
        self.die(self.behaviour.exit_code)

    async def end(self) -> None:
        """Go down the stop ladder."""
        if self.exit_code is not None:
            return
        if not self._has_served:
            self.history.append("terminated")
            self.die(-15)
            return
        if not self._hurried.is_set():
            self.history.append("asked to exit")
            with trio.move_on_after(EXIT_LINE_GRACE):
                await first(self._heed, self._hurried.wait)
        if self._hurried.is_set():
            self.history.append("hung up")
            self.die(1)
        self.die(-9)

    async def _heed(self) -> None:
        await trio.sleep(self.behaviour.stop_takes)
        self.die(0)

    async def _say(self, state: str, payload: dict[str, object]) -> None:
        if self.behaviour.talks:
            said = json.dumps({"state": state, "payload": payload})
            await self._messages.send_all(f"cmd_child_to_router:state:{said}\n".encode())


@define(eq=False)
class FakeSpawner:
    """Spawns fake children; ``of`` gives single models a behaviour of their own."""

    behaviour: Behaviour = Behaviour()
    of: Mapping[str, Behaviour] = field(factory=dict)
    history: list[tuple[float, str, str]] = field(factory=list, init=False)
    """When, which model, what: "spawned" or "dead"."""
    children: list[FakeChild] = field(factory=list, init=False)
    """Every child there ever was, in order."""

    @property
    def alive(self) -> list[FakeChild]:
        """The children that hold memory now."""
        return [child for child in self.children if child.exit_code is None]

    @asynccontextmanager
    async def __call__(self, launch: Launch) -> AsyncIterator[Child]:
        behaviour = self.of.get(launch.name, self.behaviour)
        await trio.lowlevel.checkpoint()
        if behaviour.fails is not None:
            raise behaviour.fails
        child = FakeChild(launch, behaviour)
        self.children.append(child)
        self._note(child, "spawned")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child.live)
            try:
                yield child
            finally:
                with trio.move_on_after(2 * EXIT_LINE_GRACE, shield=True):
                    await child.end()
                self._note(child, "dead")
                nursery.cancel_scope.cancel()

    def _note(self, child: FakeChild, what: str) -> None:
        self.history.append((trio.current_time(), child.launch.name, what))
