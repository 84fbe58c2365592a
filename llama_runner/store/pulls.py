"""The models that are being fetched; who asks for the same one shares its download."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from llama_runner.errors import LlamaRunnerError, PullFailed, StoreFailed
from llama_runner.store.pull_log import PullLog
from llama_runner.store.pull_name import PullName
from llama_runner.store.pulling import Puller


@define(eq=False)
class Pull:
    """One model on its way, and how many wait for it."""

    name: PullName
    log: PullLog = field(factory=PullLog, init=False)
    failure: LlamaRunnerError | None = field(default=None, init=False)
    clients: int = field(default=0, init=False)
    scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    ended: trio.Event = field(factory=trio.Event, init=False)


@define(eq=False)
class Pulls:
    """Owns the pulls; each ends with the last client that waits for it."""

    _puller: Puller
    _nursery: trio.Nursery
    _running: dict[tuple[str, bool], Pull] = field(factory=dict, init=False)
    _refusal: LlamaRunnerError | None = field(default=None, init=False)

    async def join(self, name: PullName, *, insecure: bool = False) -> Pull:
        """Take part in the pull of a model, and begin it if nobody has; ``leave`` is to follow.

        Raises:
            LlamaRunnerError: none is begun any more.

        """
        key = (name.short.lower(), insecure)
        while (found := self._running.get(key)) is not None:
            if not found.scope.cancel_called:
                break
            await found.ended.wait()
        if self._refusal is not None:
            raise self._refusal
        if found is None:
            found = self._running[key] = Pull(name)
            self._nursery.start_soon(self._run, key, found, name=f"pull {name.short}")
        found.clients += 1
        return found

    def leave(self, pull: Pull) -> None:
        """Wait no longer for a pull; the last one to leave ends it."""
        pull.clients -= 1
        if not pull.clients:
            pull.scope.cancel()

    def refuse(self, why: LlamaRunnerError) -> None:
        """End all pulls, and begin none any more; what has come stays."""
        self._refusal = why
        for pull in self._running.values():
            pull.failure = why
            pull.scope.cancel()

    async def _run(self, key: tuple[str, bool], pull: Pull) -> None:
        try:
            with pull.scope:
                await self._puller.pull(pull.name, pull.log, insecure=key[1])
        except (PullFailed, StoreFailed) as error:
            pull.failure = error
        finally:
            del self._running[key]
            pull.log.end()
            pull.ended.set()


@asynccontextmanager
async def open_pulls(puller: Puller) -> AsyncIterator[Pulls]:
    """Own the pulls while the block lasts; leaving it ends them."""
    async with trio.open_nursery() as nursery:
        yield Pulls(puller, nursery)
        nursery.cancel_scope.cancel()
