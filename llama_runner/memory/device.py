"""The memory of this machine at one instant."""

from __future__ import annotations

from attrs import frozen

from llama_runner.memory.amounts import Amounts


@frozen(kw_only=True)
class Device:
    """RAM or one GPU; all sizes are bytes.

    ``free`` is what nobody uses, ``ours`` what our children hold. What a child
    maps of its model's file counts as held, though the system could drop it:
    it would be read again at every token.
    """

    name: str
    label: str
    total: int
    free: int
    ours: int = 0


@frozen
class Inventory:
    """RAM and every GPU."""

    devices: tuple[Device, ...]

    def budget(self, reserve: Amounts) -> Amounts:
        """Return what all our models together may hold now, ``reserve`` being left to others."""
        return Amounts(
            {
                device.name: max(
                    0, min(device.total, device.free + device.ours) - reserve.on(device.name)
                )
                for device in self.devices
            }
        )

    @property
    def free(self) -> Amounts:
        """What nobody uses, by device."""
        return Amounts({device.name: device.free for device in self.devices})
