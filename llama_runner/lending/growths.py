"""Which models are launched with a larger context than is configured, for clients that want it."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve, field, frozen

from llama_runner.errors import NoRoom
from llama_runner.lending.model_spec import ModelSpec


@frozen
class Growth:
    """How far one model has grown beyond its configured ``base``: to ``goal`` tokens a request.

    If it does not start so it goes back to what it is ``proven`` to start with.
    """

    base: int
    proven: int
    goal: int


@frozen
class _Failure:
    context: int
    cause: str


@define(eq=False)
class Growths:
    """Remembers until the program ends; a model never shrinks."""

    _known: dict[str, Growth] = field(factory=dict, init=False)
    _failures: dict[str, _Failure] = field(factory=dict, init=False)

    def goal(self, spec: ModelSpec) -> int:
        """Return the context that a model is to have, whatever it is launched with now."""
        growth = self._known.get(spec.key)
        return max(spec.context, growth.goal if growth is not None else 0)

    def steps(self, spec: ModelSpec, wanted: int) -> Iterator[int]:
        """Return the contexts to grow to for one that is wanted, the best first; none if at it.

        Powers of two, so that a client that wants a little more each time has the model
        loaded a few times and not always; never more than the model was trained for.
        """
        most = spec.trained or wanted
        for context in dict.fromkeys((1 << (wanted - 1).bit_length(), wanted)):
            if (step := min(context, most)) > self.goal(spec):
                yield step

    def refusal(self, spec: ModelSpec, context: int) -> NoRoom | None:
        """Return what a client is told that wants what was tried in vain."""
        failure = self._failures.get(spec.key)
        if failure is None or context < failure.context:
            return None
        tried = f"{spec.key} could not be launched with a context of {failure.context} tokens"
        return NoRoom(f"{tried}: {failure.cause}")

    def grow(self, spec: ModelSpec, context: int) -> None:
        """Have a model launched with more from now on."""
        growth = self._known.get(spec.key) or Growth(spec.context, spec.context, context)
        self._known[spec.key] = evolve(growth, goal=context)

    def launched(self, spec: ModelSpec) -> ModelSpec:
        """Return a spec as it is launched now."""
        growth = self._known.get(spec.key)
        if growth is None or spec.grown is None or growth.goal <= growth.base:
            return spec
        return spec.grown(growth.goal)

    def started(self, spec: ModelSpec) -> None:
        """Note that a model is ready with what it was launched with."""
        growth = self._known.get(spec.key)
        if growth is not None and spec.context > growth.proven:
            self._known[spec.key] = evolve(growth, proven=spec.context)

    def failed(self, spec: ModelSpec, cause: str) -> int | None:
        """Note that a start came to nothing; return the context that the model goes back to.

        None: it was not for its context.
        """
        growth = self._known.get(spec.key)
        if growth is None or spec.context <= growth.base:
            return None
        self._failures[spec.key] = _Failure(spec.context, cause)
        former = growth.proven if growth.proven < spec.context else growth.base
        self._known[spec.key] = Growth(growth.base, former, former)
        return former
