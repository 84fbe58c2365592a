"""The models that were fetched or made here, and all that changes which there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define, field

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.concurrency.disk import Disk
from llama_runner.errors import LlamaRunnerError, StoreFailed
from llama_runner.store.remote_model import PulledModel
from llama_runner.store.shelf import Shelf

Refresh = Callable[[], Awaitable[object]]
"""Has the catalog see what changed."""
Vacate = Callable[[str], Awaitable[object]]
"""Ends the engine of a model, if it has one, once it is idle."""


@define(eq=False)
class Change:
    """One change, and what became of it."""

    work: Callable[[], object]
    failure: LlamaRunnerError | None = field(default=None, init=False)
    done: trio.Event = field(factory=trio.Event, init=False)


@define(eq=False)
class Store:
    """Makes one change at a time; one that has begun is made whole, whoever leaves meanwhile."""

    shelf: Shelf
    _refresh: Refresh
    _vacate: Vacate
    _nursery: trio.Nursery
    _one: trio.Lock = field(factory=trio.Lock, init=False)
    _disk: Disk = field(factory=Disk, init=False)

    async def put(self, model: PulledModel) -> None:
        """Give a model its place, in the stead of one that has its name.

        That one's engine ends before, as Windows replaces no file that is in use, and one that
        was started meanwhile ends behind it, as it has the old files.

        Raises:
            StoreFailed: the disk is full, or worse.

        """
        await self._vacate(model.name)
        await self._make(partial(self.shelf.put, model))
        await self._vacate(model.name)

    async def remove(self, model: CatalogModel) -> None:
        """Remove a model and its files, once its engine has ended.

        Raises:
            StoreFailed: a file of it is in use, or worse.

        """
        await self._vacate(model.key)
        await self._make(partial(self.shelf.remove, model.card.path.parent))

    async def _make(self, work: Callable[[], object]) -> None:
        change = Change(work)
        self._nursery.start_soon(self._carry_out, change, name="change of the store")
        await change.done.wait()
        if change.failure is not None:
            raise change.failure

    async def _carry_out(self, change: Change) -> None:
        try:
            async with self._one:
                await self._disk.do(change.work)
                await self._refresh()
        except OSError as error:
            change.failure = StoreFailed(f"the store of models cannot be changed: {error}")
        finally:
            change.done.set()


@asynccontextmanager
async def open_store(shelf: Shelf, refresh: Refresh, vacate: Vacate) -> AsyncIterator[Store]:
    """Own the changes while the block lasts, and begin with what a kill has left."""
    await trio.to_thread.run_sync(shelf.tidy)
    async with trio.open_nursery() as nursery:
        yield Store(shelf, refresh, vacate, nursery)
        nursery.cancel_scope.cancel()
