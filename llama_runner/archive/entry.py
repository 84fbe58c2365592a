"""One saved slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from llama_runner.scheduling.conversation import Conversation


@frozen(kw_only=True, eq=False)
class Entry:
    """A file with what one slot of a ``model`` held for one client.

    The ``identity`` stands for the model's file, the engine's build and the launch's
    arguments: what was saved with one is of no use to another. ``used`` is a time of the
    system's clock.
    """

    file: str
    identity: str
    model: str
    slot: int
    client: str
    tokens: int
    size: int
    used: float
    conversation: Conversation | None = None

    @property
    def place(self) -> tuple[str, str, int]:
        """What it was saved of; there is one entry for each."""
        return self.identity, self.model, self.slot


def beyond(entries: Iterable[Entry], most: int) -> Sequence[Entry]:
    """Return what must go so that no more than ``most`` bytes are kept: the least recently used."""
    found = sorted(entries, key=lambda entry: entry.used)
    size = sum(entry.size for entry in found)
    gone = 0
    while size > most:
        size -= found[gone].size
        gone += 1
    return found[:gone]
