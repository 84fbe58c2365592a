"""The states of a runner; what a state knows is what is true in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import field, frozen

from llama_runner.runner.diagnosis import Diagnosis
from llama_runner.runner.launch import Launch


@frozen
class Starting:
    """Spawned or about to be; ``progress`` (0 to 1) is known where the child tells it."""

    progress: float | None = None


@frozen
class Ready:
    """Serving at ``launch.endpoint``; ``meta`` is what the child said of its model."""

    launch: Launch
    meta: Mapping[str, object] = field(factory=dict)


@frozen
class Stopping:
    """Being ended by us; its memory is still taken."""


@frozen
class Exited:
    """Gone; ``code`` is None when it could not even be started.

    ``tail`` holds the last lines it printed.
    """

    code: int | None
    diagnosis: Diagnosis
    tail: tuple[str, ...] = ()


RunnerState: TypeAlias = Starting | Ready | Stopping | Exited
