"""Over which devices a model is spread; pure.

As llama.cpp spreads it: so many of its layers go to the GPUs, divided as the
launch says or else by the memory that is free on each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from llama_runner.memory.amounts import RAM, Amounts
from llama_runner.memory.footprint import Footprint

ALL_LAYERS = 1.0


@frozen(kw_only=True)
class Offload:
    """What of a model is to go to the GPUs.

    ``share`` is that of its layers, from 0 to 1. ``split`` says in which proportion each GPU
    gets them, in the devices' order; nothing: by what is free on each.
    """

    share: float = ALL_LAYERS
    split: Sequence[float] = ()


def placed(footprint: Footprint, offload: Offload, free: Mapping[str, int]) -> Amounts:
    """Return what the model holds on RAM and on each GPU, ``free`` being the bytes there."""
    gpus = [device for device in free if device != RAM]
    if not gpus or offload.share <= 0:
        return Amounts({RAM: footprint.total})
    away = round(offload.share * footprint.on_device)
    weights = _weights(gpus, offload.split, free)
    amounts = {device: round(away * weight) for device, weight in weights.items()}
    return Amounts({**amounts, RAM: footprint.process + footprint.on_device - away})


def _weights(
    gpus: Sequence[str], split: Sequence[float], free: Mapping[str, int]
) -> Mapping[str, float]:
    wanted = [max(part, 0.0) for part in split[: len(gpus)]]
    wanted += [0.0] * (len(gpus) - len(wanted))
    if not any(wanted):
        wanted = [float(free[device]) for device in gpus]
    whole = sum(wanted) or 1.0
    return {device: part / whole for device, part in zip(gpus, wanted, strict=True)}
