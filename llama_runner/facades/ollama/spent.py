"""What an answer took, as the last object of it says."""

from __future__ import annotations

from llama_runner.events.usage import Usage
from llama_runner.facades.ollama.timestamps import NANOSECONDS
from llama_runner.relay.record import Durations

_PER_MILLISECOND = NANOSECONDS // 1000


def spent(took: Durations, usage: Usage | None) -> dict[str, int]:
    """Return counts of tokens, and durations in nanoseconds.

    None is 0, as Ollama leaves out what is, and clients want to see all of them.
    """
    usage = usage or Usage()
    return {
        "total_duration": nanoseconds(took.total),
        "load_duration": nanoseconds(took.granted),
        "prompt_eval_count": max(1, usage.prompt_tokens),
        "prompt_eval_duration": max(1, int(usage.prompt_ms * _PER_MILLISECOND)),
        "eval_count": max(1, usage.completion_tokens),
        "eval_duration": max(1, int(usage.predicted_ms * _PER_MILLISECOND)),
    }


def nanoseconds(seconds: float | None) -> int:
    """Return whole nanoseconds, never 0: clients want to see that there was something."""
    return max(1, int((seconds or 0.0) * NANOSECONDS))
