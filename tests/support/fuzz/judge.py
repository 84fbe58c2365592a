"""Whether what came of one connection is as it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from attrs import define, field

from llama_runner.config.limits import LimitsConfig
from tests.support.fuzz.answers import Answer, answers_in
from tests.support.fuzz.connection import Ending, Fuzzed
from tests.support.fuzz.fuzzable import Fuzzable
from tests.support.fuzz.requests import RELAYED
from tests.support.fuzz.understood import Understood, meaning, understood
from tests.support.fuzz.wrong import Wrong

T = TypeVar("T")

SHOWN = 3000
LOOKAHEAD = LimitsConfig().lookahead_bytes


@define
class Heard:
    """What a client heard on its connection."""

    output: bytes = b""
    closed: bool = False
    """Whether the other side closed by itself."""


@define(eq=False)
class Judge:
    """Judges one connection after the other, and counts what it sees."""

    connections: int = field(default=0, init=False)
    requests: int = field(default=0, init=False)
    forwarded: int = field(default=0, init=False)
    statuses: Counter[int] = field(factory=Counter, init=False)

    def answers(self, fuzzed: Fuzzed, heard: Heard, *, in_time: bool = True) -> list[Understood]:
        """Judge what came back; return the requests that others find in what was sent.

        ``in_time`` says that it was let in, and sent everything as quickly as it meant to.

        Raises:
            Wrong: this is not what the client had to get.
        """
        meant = understood(fuzzed.sent)
        whole = heard.closed and not _may_be_cut_off(fuzzed)
        methods = [one.method for one in meant]
        answers = answers_in(heard.output, methods, fuzzed.facade, whole=whole)
        if in_time:
            _check_number(fuzzed, heard, answers, meant)
        self.connections += 1
        self.requests += max(len(meant), 1)
        self.statuses.update(answer.status for answer in answers)
        return meant

    def reached(self, program: Fuzzable, meant: list[Understood]) -> None:
        """Judge, and forget, what reached the engine and the applications.

        Raises:
            Wrong: something of it is nothing that others find in what was sent.
        """
        if program.engine.faults:
            raise Wrong(f"the engine got {program.engine.faults}")
        meant = [one for one in meant if one.is_ours]
        _check_all_wanted(
            program.applied, [(one.method, one.target.removesuffix("?")) for one in meant]
        )
        passed = program.engine.forwarded
        _check_all_wanted(
            [meaning(one.path, one.body) for one in passed],
            [text for one in meant if _relays(one) and (text := meaning(one.path, one.body))],
        )
        self.forwarded += len(passed)
        program.applied.clear()
        passed.clear()

    def figures(self) -> dict[str, Any]:
        """Return what was counted."""
        return {
            "connections": self.connections,
            "requests": self.requests,
            "forwarded": self.forwarded,
            "statuses": {str(status): self.statuses[status] for status in sorted(self.statuses)},
        }


def _check_all_wanted(found: Iterable[T], wanted: Iterable[T]) -> None:
    if beyond := Counter(found) - Counter(wanted):
        raise Wrong(f"this went further than the front, though nobody asked for it: {beyond}")


def _relays(request: Understood) -> bool:
    return request.method == "POST" and request.path in RELAYED and request.complete


def _check_number(
    fuzzed: Fuzzed, heard: Heard, answers: list[Answer], meant: list[Understood]
) -> None:
    complete = sum(request.complete for request in meant)
    if len(answers) > complete + 1:
        raise Wrong(f"{len(answers)} answers to {complete} requests")
    if _may_be_cut_off(fuzzed):
        return
    if not _is_last(answers, meant) and (len(answers), heard.closed) != (complete, True):
        raise Wrong(f"{len(answers)} answers to {complete} requests, then nothing")
    if not answers and fuzzed.sent.strip(b"\r\n"):
        raise Wrong("no answer at all")
    if fuzzed.fine:
        _check_served(fuzzed, answers)


def _may_be_cut_off(fuzzed: Fuzzed) -> bool:
    """Tell whether it leaves, as who says that it sends no more does too, or is a flood."""
    return fuzzed.ending is not Ending.WAITS or len(fuzzed.sent) > LOOKAHEAD


def _is_last(answers: list[Answer], meant: list[Understood]) -> bool:
    """Tell whether the last answer ends the connection for HTTP."""
    asked = meant[len(answers) - 1 : len(answers)] if answers else []
    return any(one.wants_websocket for one in asked) or any(one.closes for one in answers[-1:])


def _check_served(fuzzed: Fuzzed, answers: list[Answer]) -> None:
    wanted = len(fuzzed.requests)
    if len(answers) != wanted or any(answer.closes for answer in answers):
        raise Wrong(f"only {answers} for {wanted} requests that are fine")
    for request, answer in zip(fuzzed.requests, answers, strict=True):
        if request.relayed and answer.status != (404 if fuzzed.facade == "dashboard" else 200):
            raise Wrong(f"a request that is fine was refused: {answer}")


def told(fuzzed: Fuzzed, heard: Heard) -> str:
    """Return all that is needed to look into a connection."""
    writes = "\n".join(f"  {pause!s:>5}  {_shown(data)}" for data, pause in fuzzed.writes)
    return (
        f"connection {fuzzed.name} to {fuzzed.facade}, which {fuzzed.ending.value}\n"
        f"sent:\n{writes}\nheard: {_shown(heard.output)}\nclosed: {heard.closed}"
    )


def _shown(data: bytes) -> str:
    return repr(data if len(data) <= SHOWN else data[:SHOWN] + b"...")
