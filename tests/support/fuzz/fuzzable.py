"""The whole program as a fuzzer wants it: three listeners' sites before one strict engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from attrs import define, evolve, field

from llama_runner.config.app import AppConfig
from llama_runner.http.application import ASGIApp
from llama_runner.http.front import Front, open_front
from llama_runner.http.site import Site
from tests.support.fuzz.requests import FACADES
from tests.support.fuzz.strict_engine import StrictEngine
from tests.support.program import Program, open_program


@define(eq=False)
class Fuzzable:
    """What a fuzzer talks to, and what it looks at afterwards."""

    engine: StrictEngine
    programs: dict[str, Program] = field(factory=dict)
    sites: dict[str, Site] = field(factory=dict)
    fronts: dict[str, Front] = field(factory=dict)
    applied: list[tuple[str, str]] = field(factory=list)
    """Method and target of each request or websocket that reached an application."""

    def noting(self, facade: str, program: Program) -> Site:
        """Return the site of one listener, with what reaches its application noted."""
        site = program.front._site
        application = evolve(site.application, app=self._noting(site.application.app))
        self.programs[facade] = program
        self.sites[facade] = evolve(site, application=application)
        return self.sites[facade]

    def _noting(self, app: ASGIApp) -> Any:
        async def note(scope: Any, receive: Any, send: Any) -> None:
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            target = (scope["raw_path"] + query).decode("latin-1")
            self.applied.append((scope.get("method", "GET"), target))
            await app(scope, receive, send)

        return note


@asynccontextmanager
async def open_fuzzable(
    *, dawdles: bool = True, config: AppConfig | None = None
) -> AsyncIterator[Fuzzable]:
    """Run the program while the block lasts."""
    fuzzable = Fuzzable(StrictEngine(dawdles))
    async with AsyncExitStack() as stack:
        for facade in FACADES:
            opened = open_program(upstream=fuzzable.engine.serve, facade=facade, config=config)
            program = await stack.enter_async_context(opened)
            front = open_front(fuzzable.noting(facade, program), program.stop)
            fuzzable.fronts[facade] = await stack.enter_async_context(front)
        yield fuzzable
