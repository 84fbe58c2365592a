"""Restores the slots of a runner before it is lent, and has them saved before it is stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, evolve, field

from llama_runner.archive.entry import Entry
from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Unknown
from llama_runner.errors import RunnerLost
from llama_runner.lending.seat import Seat
from llama_runner.lending.slot_archive import TRIES, SlotArchive
from llama_runner.lending.slot_probe import end_probe
from llama_runner.lending.slot_saving import PROBED_WITHIN, Restored, SlotSaving
from llama_runner.runner.launch import Launch
from llama_runner.runner.slot_files import SlotFiles
from llama_runner.scheduling.slot_choice import Held

logger = logging.getLogger(__name__)


@define(eq=False)
class SlotKeeping:
    """One of the attendants of every runner."""

    _archive: SlotArchive
    _saving: set[trio.CancelScope] = field(factory=set, init=False)
    _hurried: bool = field(default=False, init=False)

    def hurry(self) -> None:
        """Save nothing more."""
        self._hurried = True
        for scope in self._saving:
            scope.cancel()

    @asynccontextmanager
    async def attend(self, seat: Seat) -> AsyncIterator[None]:
        """Restore the slots of ``seat``; save them once the block is left."""
        identity, launch = self._archive.identity(seat.spec.key), seat.runner.launch
        if identity is None or launch is None:
            yield
            return
        restored = await self._restore(seat, launch, identity)
        try:
            yield
        finally:
            if self._can_save(seat, identity):
                await self._save(seat, launch, identity, restored)  # noqa: ASYNC102 - shielded

    def _can_save(self, seat: Seat, identity: str) -> bool:
        if self._hurried or seat.fault or not seat.child_lives:
            return False
        return not isinstance(self._archive.index.verdict(identity), Refuted)

    async def _restore(self, seat: Seat, launch: Launch, identity: str) -> Restored:
        archive, key = self._archive, seat.spec.key
        restored: dict[int, Held | None] = {}
        async with archive.open(launch) as files:
            verdict = archive.index.verdict(identity)
            if isinstance(verdict, Probing):
                verdict = await _ended(files, verdict)
                await archive.judge(key, identity, verdict)
            if isinstance(verdict, Proven):
                for entry in archive.index.of(identity, key):
                    if verdict.is_worth(entry.tokens, entry.size):
                        await self._restore_one(seat, files, entry, restored)
        return restored

    async def _restore_one(
        self, seat: Seat, files: SlotFiles, entry: Entry, restored: dict[int, Held | None]
    ) -> None:
        archive, key = self._archive, seat.spec.key
        try:
            moved = await files.restore(entry.slot, entry.file)
            if moved.tokens != entry.tokens:
                raise RunnerLost(f"{moved.tokens} of {entry.tokens} tokens came back")
        except RunnerLost as error:
            logger.warning("%s: a slot was not restored: %s", key, error)
            await archive.drop(entry)
            return
        seat.slots.put(entry.slot, entry.client, entry.conversation)
        restored[entry.slot] = seat.slots.held(entry.slot)
        verdict = archive.index.verdict(entry.identity)
        if isinstance(verdict, Proven):
            restoring = Pace(moved.size, moved.seconds)
            archive.index.judge(entry.identity, verdict.noting(restoring=restoring))
        await archive.add(evolve(entry, used=time.time()))
        told = (moved.tokens, moved.size, moved.seconds)
        logger.info("%s: restored a slot with %d tokens, %d bytes, in %.3f s", key, *told)

    async def _save(self, seat: Seat, launch: Launch, identity: str, restored: Restored) -> None:
        deadline = trio.current_time() + self._archive.settings.save_within
        scope = trio.CancelScope(deadline=deadline, shield=True)
        self._saving.add(scope)
        try:
            with scope:
                async with self._archive.open(launch) as files:
                    await SlotSaving(self._archive, seat, identity, files, restored).run(scope)
        except RunnerLost as error:
            logger.warning("%s: its slots were not saved: %s", seat.spec.key, error)
        finally:
            self._saving.discard(scope)
        if scope.cancelled_caught and not self._hurried:
            logger.warning("%s: its slots were not saved in time", seat.spec.key)


async def _ended(files: SlotFiles, probing: Probing) -> Proven | Refuted | Unknown:
    with trio.move_on_after(PROBED_WITHIN):
        try:
            return await end_probe(files, probing)
        except RunnerLost as error:
            # Also if the engine ended by it: then it must not be tried again.
            return Refuted(str(error))
    return Unknown(TRIES)
