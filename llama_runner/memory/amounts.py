"""An amount of memory on several devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import add, sub

from attrs import field, frozen

RAM = "ram"
"""The device that every machine has."""
_GIGABYTE = 1_000_000_000
_MEGABYTE = 1_000_000


def _without_nothing(amounts: Mapping[str, int]) -> Mapping[str, int]:
    return {device: amount for device, amount in amounts.items() if amount}


@frozen
class Amounts:
    """Bytes by device; a device that is not named holds none.

    Two devices are never added up: what does not fit one is not helped by
    room on another. Differences may be negative, for what is missing.
    """

    by_device: Mapping[str, int] = field(factory=dict, converter=_without_nothing)

    def on(self, device: str) -> int:
        """Return the bytes on one device."""
        return self.by_device.get(device, 0)

    def fits(self, room: Amounts) -> bool:
        """Tell whether no device would have to hold more than ``room`` has on it."""
        return all(amount <= room.on(device) for device, amount in self.by_device.items())

    def __add__(self, other: Amounts) -> Amounts:
        return self._combined(other, add)

    def __sub__(self, other: Amounts) -> Amounts:
        return self._combined(other, sub)

    def _combined(self, other: Amounts, combine: Callable[[int, int], int]) -> Amounts:
        devices = {**self.by_device, **other.by_device}
        return Amounts({device: combine(self.on(device), other.on(device)) for device in devices})


NOTHING = Amounts()


def total(amounts: Iterable[Amounts]) -> Amounts:
    """Return the sum, device by device."""
    return sum(amounts, NOTHING)


def in_words(amounts: Amounts) -> str:
    """Return an amount for people: 8.0 GB of gpu 0 and 532 MB of ram."""
    parts = [f"{_size(size)} of {device}" for device, size in sorted(amounts.by_device.items())]
    return " and ".join(parts) or "nothing"


def _size(size: int) -> str:
    if size >= _GIGABYTE:
        return f"{size / _GIGABYTE:.1f} GB"
    return f"{size / _MEGABYTE:.0f} MB" if size >= _MEGABYTE else f"{size} bytes"
