"""What each model will hold of the memory: reckoned, then learned from what it held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import trio
from attrs import define, field, frozen

from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.concurrency.disk import Disk
from llama_runner.lending.identity import load_of, projector_of
from llama_runner.lending.seat import Seat
from llama_runner.memory.amounts import NOTHING, RAM, Amounts
from llama_runner.memory.experience import Experience, Load
from llama_runner.memory.experience_file import ExperienceFile
from llama_runner.memory.footprint import MIB, Demand, Footprint, footprint_of
from llama_runner.memory.inventory import MemoryWatch, held_by
from llama_runner.memory.placement import Offload, placed
from llama_runner.runner.command import settings
from llama_runner.runner.context import context_of
from llama_runner.runner.engine import Engine, EngineKind
from llama_runner.runner.flags import Scalar, canonical

PYTHON = 11 * MIB
"""Bytes of the interpreter around the embedded engine (CPython 3.11 on Linux)."""


@frozen
class _Asked:
    """What was reckoned of a model when it was to be loaded, and what was free then."""

    load: Load
    reckoned: Amounts
    free: Amounts
    untouched: Amounts
    """What is not seen of it before it has read a prompt."""


@define(eq=False)
class Appraiser:
    """Says what a model will hold, and learns from each load what it does hold.

    It is asked when a model must be loaded. As an attendant of every runner it looks twice:
    when the child is ready, to which it adds what the child will compute with, and before it
    is stopped.
    """

    _engine: Engine
    _watch: MemoryWatch
    _file: ExperienceFile
    _experience: Experience = field(init=False)
    _asked: dict[tuple[str, int], _Asked] = field(factory=dict, init=False)
    """By model and context, since a larger one is asked for while the model runs."""
    _disk: Disk = field(factory=Disk, init=False)

    def __attrs_post_init__(self) -> None:
        self._experience = self._file.read()

    def footprint(self, model: CatalogModel) -> Amounts:
        """Return what ``model`` will hold on each device."""
        chosen = settings(model.card, canonical(model.config.parameters))
        projector = _size(projector_of(model))
        footprint = footprint_of(model.card, _demand(chosen, projector, self._engine.kind))
        free = self._watch.look(()).free
        reckoned = self._placed(footprint, chosen, model.card, free)
        load = load_of(model, self._engine)
        # On a GPU it is taken when the model is loaded.
        in_ram = reckoned.by_device.keys() == {RAM}
        untouched = Amounts({RAM: footprint.compute}) if in_ram else NOTHING
        self._asked[model.key, context_of(model)] = _Asked(load, reckoned, free, untouched)
        return self._experience.corrected(load, reckoned)

    @asynccontextmanager
    async def attend(self, seat: Seat) -> AsyncIterator[None]:
        """Learn what the child of ``seat`` holds, as one of its attendants."""
        asked = self._asked.get((seat.spec.key, seat.spec.context))
        if asked is None:
            yield
            return
        await self._learn(seat, asked, asked.untouched)
        try:
            yield
        finally:
            if seat.child_lives:
                with trio.CancelScope(shield=True):
                    await self._learn(seat, asked)

    async def _learn(self, seat: Seat, asked: _Asked, to_come: Amounts = NOTHING) -> None:
        if seat.pid is None:
            return
        taken = self._taken(seat.pid, asked) + to_come
        self._experience.learn(asked.load, asked.reckoned, taken)
        seat.footprint = self._experience.corrected(asked.load, asked.reckoned)
        text = self._file.text(self._experience)
        await self._disk.keep(partial(self._file.write, text))

    def _taken(self, pid: int, asked: _Asked) -> Amounts:
        pids = _family(pid)
        gpus = [device for device in self._watch.look(pids).devices if device.name != RAM]
        # Not every driver tells it by process; what is free has become less by it.
        amounts = {
            gpu.name: gpu.ours or max(0, asked.free.on(gpu.name) - gpu.free)
            for gpu in gpus
            if asked.reckoned.on(gpu.name)
        }
        held = [held_by(one) for one in pids]
        # The file of a model on a GPU was read through memory, and need not stay there.
        ram = sum(private if any(amounts.values()) else whole for whole, private in held)
        return Amounts({**amounts, RAM: ram})

    def _placed(
        self,
        footprint: Footprint,
        chosen: Mapping[str, Scalar],
        card: ModelCard,
        free: Amounts,
    ) -> Amounts:
        if self._engine.kind is EngineKind.EMBEDDED:
            free = Amounts({RAM: free.on(RAM)})  # it has no GPU in it
        return placed(footprint, _offload(chosen, card), free.by_device)


def _demand(chosen: Mapping[str, Scalar], projector: int, kind: EngineKind) -> Demand:
    slots = int(chosen["parallel"])
    return Demand(
        context=int(chosen["ctx-size"]),
        slots=slots,
        micro_batch=int(chosen["ubatch-size"]),
        unified=chosen.get("kv-unified") is True,
        key_type=str(chosen.get("cache-type-k", "f16")).lower(),
        value_type=str(chosen.get("cache-type-v", "f16")).lower(),
        full_window=chosen.get("swa-full") is True,
        projector=projector,
        pools=any(bool(chosen.get(name)) for name in ("embedding", "rerank")),
        host=PYTHON if kind is EngineKind.EMBEDDED else 0,
    )


def _offload(chosen: Mapping[str, Scalar], card: ModelCard) -> Offload:
    layers = chosen.get("gpu-layers", "auto")
    # The output counts as one layer more.
    share = min(1.0, layers / (card.block_count + 1)) if type(layers) is int else 1.0
    if chosen.get("device") == "none":
        share = 0.0
    parts = str(chosen.get("tensor-split", "")).replace("/", ",").split(",")
    return Offload(share=share if share >= 0 else 1.0, split=tuple(map(_number, parts)))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0


def _family(pid: int) -> list[int]:
    """Return a process and all that it has started: it may be a script around an engine."""
    try:
        return [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return [pid]
