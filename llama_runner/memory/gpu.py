"""The memory of NVIDIA's GPUs, where their driver is there to tell it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pynvml  # type: ignore[import-untyped]
from attrs import define, field

from llama_runner.memory.device import Device

logger = logging.getLogger(__name__)


@define(eq=False)
class Gpus:
    """Asks NVML, NVIDIA's own interface, which the driver brings along.

    Devices are called ``gpu0``, ``gpu1`` … in the driver's order, which is the order in
    which CUDA numbers them where ``CUDA_DEVICE_ORDER`` is ``PCI_BUS_ID``.
    """

    _devices: tuple[Any, ...] = field(factory=tuple, init=False)

    def look(self, pids: Collection[int]) -> tuple[Device, ...]:
        """Return every GPU, with what the processes ``pids`` hold of it where that is told.

        Windows does not tell it of most GPUs (WDDM manages their memory); a device's free
        memory is right all the same. One that does not answer is left out.
        """
        found = (self._look_at(number, device, pids) for number, device in enumerate(self._devices))
        return tuple(device for device in found if device is not None)

    def _look_at(self, number: int, device: Any, pids: Collection[int]) -> Device | None:
        try:
            memory = pynvml.nvmlDeviceGetMemoryInfo(device)
            label = _text(pynvml.nvmlDeviceGetName(device))
            processes = pynvml.nvmlDeviceGetComputeRunningProcesses(device)
        except pynvml.NVMLError as error:
            logger.debug("gpu%d does not tell of its memory: %s", number, error)
            return None
        ours = sum(one.usedGpuMemory or 0 for one in processes if one.pid in pids)
        return Device(
            name=f"gpu{number}",
            label=label,
            total=int(memory.total),
            free=int(memory.free),
            ours=int(ours),
        )


@contextmanager
def open_gpus() -> Iterator[Gpus]:
    """Use the driver while the block lasts; without one there are no GPUs."""
    gpus = Gpus()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        logger.debug("no GPU is looked at: %s", error)
        yield gpus
        return
    try:
        count = pynvml.nvmlDeviceGetCount()
        gpus._devices = tuple(map(pynvml.nvmlDeviceGetHandleByIndex, range(count)))
        yield gpus
    finally:
        pynvml.nvmlShutdown()


def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
