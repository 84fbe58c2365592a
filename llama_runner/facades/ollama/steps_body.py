"""Answers that tell, line by line, how far something is that takes its time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any

from attrs import define, field
from quart.wrappers.response import ResponseBody

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.errors import to_ollama
from llama_runner.facades.ollama.line import line
from llama_runner.store.pull_name import PullName
from llama_runner.store.pulls import Pull

SUCCESS = {"status": "success"}
Step = Mapping[str, Any]


@define(eq=False)
class StepsBody(ResponseBody):
    """The steps as lines; whoever sends it takes part in a pull for as long, and no longer."""

    _dependencies: Dependencies
    _pull: Pull | None = field(default=None, init=False)

    @abstractmethod
    def steps(self) -> AsyncIterator[Step]:
        """Do what is to be done, step by step.

        Raises:
            LlamaRunnerError: it cannot be done.

        """

    async def last_step(self) -> Step:
        """Do all of it; return the last step. Raises as ``steps`` does."""
        last: Step = {}
        async with self:
            async for step in self.steps():
                last = step
        return last

    async def pulled(self, name: PullName, *, insecure: bool = False) -> AsyncIterator[Step]:
        """Take part in a pull; yield its steps.

        Raises:
            LlamaRunnerError: the model cannot be fetched.

        """
        self._pull = pull = await self._dependencies.pulls.join(name, insecure=insecure)
        async for step in pull.log.follow():
            yield step
        self._leave()
        if pull.failure is not None:
            raise pull.failure

    async def __aenter__(self) -> StepsBody:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for step in self.steps():
                yield line(step)
        except LlamaRunnerError as error:
            yield line({"error": to_ollama(error).message})

    def _leave(self) -> None:
        if self._pull is not None:
            self._dependencies.pulls.leave(self._pull)
            self._pull = None
