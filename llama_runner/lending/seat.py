"""A runner and the book-keeping around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, evolve, field

from llama_runner.lending.model_spec import ModelSpec
from llama_runner.relay.upstream_pool import Connect, UpstreamPool
from llama_runner.runner.child import Spawner
from llama_runner.runner.launch import Launch
from llama_runner.runner.runner import Runner
from llama_runner.scheduling.resident import Phase, Resident


@define(eq=False)
class Seat:
    """One resident model; ``resident`` is what the planner sees of it.

    ``waning`` counts the leases whose client has left and whose slot has not
    been seen idle yet: they are not given back before that.
    """

    spec: ModelSpec
    _spawn: Spawner
    _connect: Connect
    runner: Runner = field(init=False)
    resident: Resident = field(init=False)
    stop: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    pool: UpstreamPool | None = field(default=None, init=False)
    waning: int = field(default=0, init=False)
    watchers: trio.Nursery | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.runner = Runner(self.spec.make_launch, self._spawn, self._connected)
        self.resident = Resident(self.spec.footprint, Phase.STARTING, self.spec.slots)

    def enter(self, phase: Phase) -> None:
        """Change the phase the planner sees."""
        self.resident = evolve(self.resident, phase=phase)

    def lend(self) -> None:
        """Count one more lease."""
        self.resident = self.resident.with_leases(1)

    def give_back(self, now: float) -> None:
        """Count one lease less."""
        self.resident = self.resident.with_leases(-1, now)

    def hang_up(self) -> None:
        """Close every connection to the child, as a stop must before anything else."""
        if self.pool is not None:
            self.pool.close()

    @asynccontextmanager
    async def _connected(self, launch: Launch) -> AsyncIterator[None]:
        self.pool = UpstreamPool(launch.host, launch.port, launch.api_key, self._connect)
        try:
            yield
        finally:
            self.pool.close()
