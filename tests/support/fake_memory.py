"""A machine's memory, as far as fake children hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define

from llama_runner.memory.amounts import RAM, Amounts
from llama_runner.memory.device import Device, Inventory
from tests.support.fake_child import FakeSpawner


@define(eq=False)
class FakeMemory:
    """RAM of ``total`` bytes, of which each fake child holds what its model's ``sizes`` say.

    ``others`` is what programs that are not ours hold.
    """

    total: int
    sizes: Mapping[str, int]
    spawn: FakeSpawner
    others: int = 0

    def __call__(self, pids: Iterable[int]) -> Inventory:
        ours = set(pids)
        held = {child.pid: self.sizes.get(child.launch.name, 1) for child in self.spawn.alive}
        free = self.total - self.others - sum(held.values())
        known = sum(size for pid, size in held.items() if pid in ours)
        return Inventory((Device(name=RAM, label="RAM", total=self.total, free=free, ours=known),))


def ram(size: int) -> Amounts:
    """Return so many bytes of RAM."""
    return Amounts({RAM: size})
