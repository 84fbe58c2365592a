"""Saves the slots of one runner before it is stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

import trio
from attrs import define, field

from llama_runner.archive.entry import Entry
from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Unknown
from llama_runner.errors import RunnerLost
from llama_runner.lending.seat import Seat
from llama_runner.lending.slot_archive import SlotArchive
from llama_runner.lending.slot_probe import begin_probe
from llama_runner.lending.slots import ANYBODY, NOBODY
from llama_runner.runner.slot_files import Moved, SlotFiles
from llama_runner.scheduling.slot_choice import Held

logger = logging.getLogger(__name__)

PROBED_WITHIN = 30.0
"""Seconds that the one probe of a model and an engine may hold up a stop, or a start."""

Restored = Mapping[int, Held | None]
"""What was put into which slots."""


@define(eq=False)
class SlotSaving:
    """One runner's last act; it may be cancelled at any time."""

    _archive: SlotArchive
    _seat: Seat
    _identity: str
    _files: SlotFiles
    _restored: Restored
    _written: set[str] = field(factory=set, init=False)

    async def run(self, scope: trio.CancelScope) -> None:
        """Save what the slots hold, then try the engine if that was not done yet.

        The probe puts the deadline of ``scope`` off. It is left out where the whole program
        stops: that must not take long.

        Raises:
            RunnerLost: the engine does not do it.
        """
        index = self._archive.index
        verdict = index.verdict(self._identity)
        try:
            if isinstance(verdict, Unknown) and self._seat.planned:
                index.judge(self._identity, Unknown(verdict.tries + 1))
                with suppress(RunnerLost):  # the probe tells why
                    await self._save_all()
                scope.deadline += PROBED_WITHIN
                await self._probe()
            else:
                await self._save_all()
        finally:
            if left := self._written - index.files:
                with trio.CancelScope(shield=True):
                    await self._archive.keep(left)

    async def _save_all(self) -> None:
        for slot, held in self._changed():
            if not self._archive.has_room():
                name = self._seat.spec.key
                logger.warning("%s: its slots are not saved, the disk is nearly full", name)
                return
            await self._save(slot, held)

    async def _save(self, slot: int, held: Held | None) -> None:
        file = self._new_file()
        saved = await self._files.save(slot, file)
        if not self._is_worth(saved):
            return
        entry = Entry(
            file=file,
            identity=self._identity,
            model=self._seat.spec.key,
            slot=slot,
            client=self._seat.slots.owners[slot],
            tokens=saved.tokens,
            size=saved.size,
            used=time.time(),
            conversation=held.conversation if held is not None else None,
        )
        await self._archive.add(entry)
        told = (self._seat.spec.key, saved.tokens, saved.size, saved.seconds)
        logger.info("%s: saved a slot with %d tokens, %d bytes, in %.3f s", *told)

    def _is_worth(self, saved: Moved) -> bool:
        if not saved.holds_prompt or saved.size > self._archive.settings.max_bytes:
            return False
        verdict = self._archive.index.verdict(self._identity)
        if not isinstance(verdict, Proven):
            return True
        verdict = verdict.noting(saving=Pace(saved.size, saved.seconds))
        self._archive.index.judge(self._identity, verdict)
        return verdict.is_worth(saved.tokens, saved.size)

    async def _probe(self) -> None:
        found: Probing | Refuted
        try:
            found = await begin_probe(self._files, self._seat.spec.slots, self._new_file)
        except RunnerLost as error:
            if not self._seat.child_lives:
                return
            found = Refuted(str(error))
        await self._archive.judge(self._seat.spec.key, self._identity, found)

    def _new_file(self) -> str:
        file = self._archive.new_file()
        self._written.add(file)
        return file

    def _changed(self) -> Iterator[tuple[int, Held | None]]:
        """Yield the slots that hold one client's prompt, and not what was restored."""
        slots = self._seat.slots
        unused = self._seat.last_used == 0.0
        for slot, owner in enumerate(slots.owners):
            if owner in (NOBODY, ANYBODY):
                continue
            held = slots.held(slot)
            same = unused if held is None else held is self._restored.get(slot)
            if not (slot in self._restored and same):
                yield slot, held
