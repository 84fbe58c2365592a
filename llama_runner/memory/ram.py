"""The memory of this machine beside its GPUs, and a first guess of what a model takes of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil

from llama_runner.catalog.card import ModelCard
from llama_runner.memory.amounts import RAM, Amounts
from llama_runner.memory.device import Device, Inventory

ALLOWANCE = 256 * 1024 * 1024
"""Bytes beside the weights, for context and buffers: a guess."""


def look_at_ram(pids: Iterable[int]) -> Inventory:
    """Return the RAM there is now, with what the processes ``pids`` hold of it.

    What they map of files is free by the system's reckoning already, where it tells it apart.
    """
    memory = psutil.virtual_memory()
    ours = sum(_held_by(pid) for pid in pids)
    ram = Device(name=RAM, label="RAM", total=memory.total, free=memory.available, ours=ours)
    return Inventory((ram,))


def guess_of(card: ModelCard) -> Amounts:
    """Return what a model may hold, all of it in RAM: its files, a tenth, and an allowance."""
    projector = card.mmproj.stat().st_size if card.mmproj is not None else 0
    size = card.size + projector
    return Amounts({RAM: size + size // 10 + ALLOWANCE})


def _held_by(pid: int) -> int:
    with suppress(psutil.Error):
        info = psutil.Process(pid).memory_info()
        return int(info.rss - getattr(info, "shared", 0))
    return 0
