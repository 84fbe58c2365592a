"""How much memory our models may hold, as it is seen when one must be loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import trio
from attrs import define, field

from llama_runner.memory.amounts import NOTHING, Amounts
from llama_runner.memory.device import Inventory
from llama_runner.scheduling.situation import Budget

Look: TypeAlias = Callable[[Iterable[int]], Inventory]
"""Process ids of our children → the memory there is, with what they hold of it."""


@define(eq=False)
class Room:
    """Looks at the memory, and knows what children that were stopped have not given back.

    A stop alone changes nothing about what all our models together may hold: what a child
    held becomes free. So a budget that is smaller after the stop than it was before tells
    what is still to come; no more than was held, and only for ``wait`` seconds.
    """

    _look: Look
    _reserve: Amounts
    _wait: float
    _before: Amounts | None = field(default=None, init=False)
    _released: Amounts = field(default=NOTHING, init=False)
    _until: float = field(default=0.0, init=False)

    def budget(self, pids: Iterable[int]) -> Budget:
        """Return what all our models may hold, the children ``pids`` being ours."""
        inventory = self._look(pids)
        now = inventory.budget(self._reserve)
        most = Amounts({device.name: device.total for device in inventory.devices})
        return Budget(most=most - self._reserve, now=now, owed=self._owed(now))

    def expect(self, pids: Iterable[int]) -> None:
        """Note what there is before a child is stopped."""
        over = self._released.by_device and trio.current_time() >= self._until
        if self._before is None or over:
            self._before, self._released = self._look(pids).budget(self._reserve), NOTHING

    def released(self, footprint: Amounts) -> None:
        """Note that a child which was stopped is gone, with what it held."""
        self._released += footprint
        self._until = trio.current_time() + self._wait

    def _owed(self, now: Amounts) -> Amounts:
        if self._before is None or not self._released.by_device:
            return NOTHING
        missing = {
            device: min(self._before.on(device) - now.on(device), most)
            for device, most in self._released.by_device.items()
        }
        owed = Amounts({device: amount for device, amount in missing.items() if amount > 0})
        if owed.by_device and trio.current_time() < self._until:
            return owed
        self._before, self._released = None, NOTHING
        return NOTHING
