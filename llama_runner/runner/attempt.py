"""One try at running one child, and what has been learnt of it."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from attrs import define, field

from llama_runner.runner.child import Child
from llama_runner.runner.diagnosis import STOPPED, Diagnosis
from llama_runner.runner.launch import Launch


@define(eq=False)
class Attempt:
    """What the runner knows of one child.

    ``exit_code`` is set only if the child ended by itself, ``diagnosis`` is
    that we stopped it until something else is found out.
    """

    launch: Launch
    first_line: int
    """Where its output begins in the runner's log tail."""
    child: Child | None = field(default=None, init=False)
    talks: bool = field(default=False, init=False)
    """Whether it speaks the child protocol."""
    served: bool = field(default=False, init=False)
    exit_code: int | None = field(default=None, init=False)
    diagnosis: Diagnosis = field(default=STOPPED, init=False)
    meta: Mapping[str, object] = field(factory=dict, init=False)
    _ready: trio.Event = field(factory=trio.Event, init=False)

    @property
    def is_ready(self) -> bool:
        """Whether it has said, or been seen, to be ready."""
        return self._ready.is_set()

    def become_ready(self, meta: Mapping[str, object]) -> None:
        """Note that it is ready, and what it said of its model."""
        self.meta = meta
        self._ready.set()

    async def wait_ready(self) -> None:
        """Wait until it is ready."""
        await self._ready.wait()
