"""The memory of this machine as it is now: RAM, and each GPU that can be asked."""

from __future__ import annotations

from collections.abc import Iterable

import psutil
from attrs import define

from llama_runner.config.app import MemoryConfig
from llama_runner.memory.amounts import RAM, Amounts
from llama_runner.memory.device import Device, Inventory
from llama_runner.memory.gpu import Gpus


@define(eq=False)
class MemoryWatch:
    """Looks at all devices, whenever it is asked to."""

    _gpus: Gpus

    def look(self, pids: Iterable[int]) -> Inventory:
        """Return the memory there is, with what our children ``pids`` hold of it."""
        ours = frozenset(pids)
        return Inventory((_ram(ours), *self._gpus.look(ours)))

    def reserve(self, kept: MemoryConfig) -> Amounts:
        """Return what is to stay free on each device that there is."""
        gpus = {device.name: kept.reserve_gpu for device in self._gpus.look(())}
        return Amounts({RAM: kept.reserve_ram, **gpus})


def _ram(pids: Iterable[int]) -> Device:
    """Return the RAM there is, with what the processes ``pids`` hold of it.

    What they map of files is free by the system's reckoning already, where it tells it apart.
    """
    memory = psutil.virtual_memory()
    ours = sum(held_by(pid)[1] for pid in pids)
    return Device(name=RAM, label="RAM", total=memory.total, free=memory.available, ours=ours)


def held_by(pid: int) -> tuple[int, int]:
    """Return the bytes of RAM that a process holds, and those of them that are no file's.

    Nothing for one that is gone.
    """
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0, 0
    return int(info.rss), int(info.rss - getattr(info, "shared", 0))
