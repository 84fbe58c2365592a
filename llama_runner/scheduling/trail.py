"""What passed between a request for a model that was not loaded and its first token."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from attrs import define, field, frozen

SERVED = "served"
LOADED = "loaded"
LEFT = "nobody waits any more"
UNANSWERED = "no token was sent"
"""What a trail may come to; one that failed says why."""


class Step(Enum):
    """One after the other, each ends where the next begins; the values are for people."""

    TURN = "its turn"
    """Others came first, or a model in the way lingers, or patience lasts."""
    PAUSE = "pause after a failed start"
    DRAIN = "answers in the way"
    SAVE = "save what others hold"
    STOP = "stop others"
    MEMORY = "memory seen free"
    SPAWN = "start of the process"
    LOAD = "load"
    RESTORE = "restore what was saved"
    PROMPT = "first token"


@frozen
class Span:
    """One step and when it took place, on trio's clock; ``detail`` names the models it is about."""

    step: Step
    began: float
    ended: float
    detail: str = ""


@define(eq=False)
class Trail:
    """The steps of one load, without a gap: together they take as long as the whole."""

    model: str
    client: str
    began: float
    requests: int = 0
    """How many have waited for it."""
    progress: list[tuple[float, float]] = field(factory=list, init=False)
    """When how much of the model was loaded, from 0 to 1."""
    outcome: str = field(default="", init=False)
    ended: float | None = field(default=None, init=False)
    _spans: list[Span] = field(factory=list, init=False)
    _step: Step = field(default=Step.TURN, init=False)
    _detail: str = field(default="", init=False)
    _since: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._since = self.began

    @property
    def spans(self) -> Sequence[Span]:
        """The steps that are over."""
        return self._spans

    @property
    def step(self) -> Step:
        """The step that it is at, or was at in the end."""
        return self._step

    def enter(self, step: Step, now: float, detail: str = "") -> None:
        """Go on to a step, unless it is at it already."""
        if (step, detail) == (self._step, self._detail):
            return
        self._close(now)
        self._step, self._detail, self._since = step, detail, now

    def end(self, now: float, outcome: str) -> None:
        """End it."""
        self._close(now)
        self.ended, self.outcome = now, outcome

    def _close(self, now: float) -> None:
        if now > self._since:
            self._spans.append(Span(self._step, self._since, now, self._detail))
