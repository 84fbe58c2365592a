"""Where a relay gets its upstream from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from llama_runner.errors import RunnerLost
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.upstream_pool import UpstreamPool
from llama_runner.scheduling.conversation import Asked


class Lease(Protocol):
    """Permission to use a ready runner."""

    @property
    def pool(self) -> UpstreamPool:
        """The connections to it."""
        ...

    @property
    def terms(self) -> Mapping[str, Any]:
        """Fields that go to the engine with what generates."""
        ...

    def keep_for(self, seconds: float) -> None:
        """Have the model stay loaded for so many idle seconds, until another request says else."""
        ...

    def wants_no_token(self) -> None:
        """Say that it was taken only to have the model loaded."""
        ...

    def answered(self) -> None:
        """Say that the engine has worked on what was asked."""
        ...

    @property
    def first_token(self) -> Callable[[str], None] | None:
        """What is to be told when the answer begins, if anything."""
        ...

    def abandon(self) -> None:
        """Say that what was asked of it is no longer wanted: its slot must be seen idle."""
        ...

    async def fate(self) -> RunnerLost:
        """Explain why the runner broke off, waiting shortly for its exit to be known."""
        ...


class Place(Protocol):
    """A request's place in the queue."""

    @property
    def lease(self) -> Lease | None:
        """The lease, once there is one."""
        ...

    async def granted(self) -> Lease:
        """Wait for the lease.

        Raises:
            LlamaRunnerError: there will be none, and why.
        """
        ...

    @property
    def context(self) -> int:
        """How many tokens the model has for it, or will have; 0 if that is not known."""
        ...

    @property
    def waiting(self) -> Waiting:
        """What to tell a client that waits here."""
        ...


class Lender(Protocol):
    """Lends runners to requests."""

    def queue(self, spec: Any, client: str, asked: Asked) -> AbstractContextManager[Place]:
        """Take a place for as long as the block lasts; leaving it gives everything back.

        Places are shared out fairly among clients; what is ``asked`` tells which slot is best.
        """
        ...
