"""``/set parameter``: Ollama's options, read from what a person types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_runner.errors import BadRequest

INTEGERS = (
    *("num_predict", "top_k", "repeat_last_n", "seed", "num_ctx", "num_keep"),
    *("num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict"),
)
NUMBERS = (
    *("temperature", "top_p", "min_p", "typical_p"),
    *("repeat_penalty", "presence_penalty", "frequency_penalty"),
)


def read_parameter(name: str, words: Sequence[str]) -> Any:
    """Return the value of an option; of ``stop`` all the words.

    Raises:
        BadRequest: there is no such option, or it takes another value.

    """
    if name == "stop" and words:
        return list(words)
    if name not in (*INTEGERS, *NUMBERS, "stop", "use_mmap"):
        known = ", ".join(sorted((*INTEGERS, *NUMBERS, "stop", "use_mmap")))
        raise BadRequest(f"{name} is not a parameter; there are {known}")
    text = " ".join(words)
    if name == "use_mmap" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        if name in INTEGERS:
            return int(text)
        if name in NUMBERS:
            return float(text)
    except ValueError:
        pass
    expected = "an integer" if name in INTEGERS else "a number" if name in NUMBERS else _other(name)
    raise BadRequest(f"{name}: expected {expected}, got {text!r}")


def _other(name: str) -> str:
    return "one or more texts" if name == "stop" else "true or false"
