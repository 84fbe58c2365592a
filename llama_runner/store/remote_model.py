"""A model as its source describes it, and as it is once its files are here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from llama_runner.errors import PullFailed
from llama_runner.store.remote_file import RemoteFile
from llama_runner.store.web import SourceRefused, Web


class Role(Enum):
    """What a file is to its model."""

    MODEL = "model"
    PROJECTOR = "projector"
    ADAPTER = "adapter"
    TEMPLATE = "template"
    CHAT_TEMPLATE = "chat_template"
    SYSTEM = "system"
    PARAMETERS = "params"
    MESSAGES = "messages"
    LICENSE = "license"
    CONFIG = "config"

    @property
    def is_text(self) -> bool:
        """Whether it is read, and not kept as a file."""
        return self not in (Role.MODEL, Role.PROJECTOR, Role.ADAPTER)


@frozen
class RemotePart:
    """A file of a model; ``name`` is what it may be called in the model's folder."""

    role: Role
    file: RemoteFile
    name: str


@frozen
class RemoteModel:
    """What is to be fetched; ``texts`` are here already, by their roles."""

    name: str
    parts: tuple[RemotePart, ...]
    texts: Mapping[Role, tuple[str, ...]] = field(factory=dict)


@frozen
class PulledFile:
    """A file that is here, at ``path``, and is as its source says; what it is, if it told."""

    role: Role
    name: str
    path: Path
    size: int
    sha256: str | None


@frozen
class PulledModel:
    """A model that is here."""

    name: str
    files: tuple[PulledFile, ...]
    texts: Mapping[Role, tuple[str, ...]]


class Source(Protocol):
    """A server that has models."""

    @property
    def web(self) -> Web:
        """Over which its files come."""
        ...

    async def find(self) -> RemoteModel:
        """Return what there is of the model.

        Raises:
            PullFailed: it cannot be told.

        """
        ...

    def explained(self, error: SourceRefused) -> PullFailed:
        """Word why a file is not given, so that one knows what to do."""
        ...


NOT_THERE = "file does not exist"
"""What Ollama says of a model that its source does not have."""


class NoSuchModel(PullFailed):
    """The source does not have the model."""
