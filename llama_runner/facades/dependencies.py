"""What a facade may use; built once, in main."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from llama_runner.catalog.catalog import Catalog
from llama_runner.concurrency.stop import Stop
from llama_runner.concurrency.watched import Watched
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event
from llama_runner.lending.loaded import LoadedModel
from llama_runner.store.pulls import Pulls
from llama_runner.store.store import Store


class Models(Protocol):
    """What can be done with a model besides asking it; ``llama_runner.model_control`` does it."""

    async def load(self, name: str, client: str) -> str:
        """Load a model in the client's turn; return its key, or raise why it cannot be."""
        ...

    async def unload(self, name: str) -> bool:
        """Stop a model once it is idle; return whether it was loaded."""
        ...

    def pin(self, name: str, *, pinned: bool) -> str:
        """Keep a model loaded until the program ends, or no longer; return its key."""
        ...

    def outlook(self, name: str) -> Mapping[str, Any]:
        """Return what loading a model would take now, as JSON fields."""
        ...

    def context(self, name: str) -> int:
        """Return the tokens that a request to a model has, or would have; 0: nobody knows."""
        ...

    def loaded(self) -> Sequence[LoadedModel]:
        """Return what is loaded, or being loaded, and not on its way out."""
        ...


@frozen
class Dependencies:
    """The parts that the facades share.

    ``status`` sums up the program for the dashboard and the command line, ``timeline``
    tells what the loads so far waited for;
    ``control_key`` lets the command line of the same user in.
    """

    catalog: Watched[Catalog]
    events: Broadcaster[Event]
    stop: Stop
    status: Callable[[], Mapping[str, Any]]
    timeline: Callable[[], Mapping[str, Any]]
    models: Models
    pulls: Pulls
    store: Store
    control_key: str
    started: int
