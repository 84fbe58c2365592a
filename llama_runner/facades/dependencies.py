"""What a facade may use; built once, in main."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from llama_runner.catalog.catalog import Catalog
from llama_runner.concurrency.stop import Stop
from llama_runner.concurrency.watched import Watched
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event


@frozen
class Dependencies:
    """The parts that the facades share.

    ``status`` sums up the program for the dashboard and the command line;
    ``control_key`` lets the command line of the same user in.
    """

    catalog: Watched[Catalog]
    events: Broadcaster[Event]
    stop: Stop
    status: Callable[[], Mapping[str, Any]]
    control_key: str
    started: int
