"""The state of a runner in words."""

from __future__ import annotations

from llama_runner.runner.state import Exited, Ready, RunnerState, Starting


def described(state: RunnerState) -> tuple[str, str]:
    """Return the name of a state and, for people, its detail."""
    match state:
        case Starting(progress):
            return "starting", "" if progress is None else f"{progress:.0%}"
        case Ready():
            return "ready", ""
        case Exited(diagnosis=diagnosis):
            return "exited", diagnosis.message
        case _:
            return "stopping", ""
