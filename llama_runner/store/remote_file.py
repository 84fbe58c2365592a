"""What is to be fetched."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from llama_runner.store.pieces import Pieces


@frozen
class RemoteFile:
    """A file of ``size`` bytes at ``url``; ``sha256`` is in hex, as its source tells it."""

    url: str
    size: int
    sha256: str

    @property
    def digest(self) -> str:
        """Its digest as Ollama writes it."""
        return f"sha256:{self.sha256}"

    @property
    def stored_as(self) -> str:
        """The name that its bytes have in the folder of blobs, whatever they are called."""
        return f"sha256-{self.sha256}"


@define(eq=False)
class Progress:
    """How many bytes of a file have come; ``tell`` is called whenever that changes."""

    pieces: Pieces
    tell: Callable[[int], object]
    completed: int = field(default=0, init=False)

    def begin(self, missing: list[int]) -> None:
        """Begin with all but the missing pieces."""
        self.completed = self.pieces.size - self.pieces.bytes_of(missing)
        self.tell(self.completed)

    def add(self, count: int) -> None:
        """Count what came."""
        self.completed += count
        self.tell(self.completed)
