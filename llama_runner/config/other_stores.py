"""The programs beside us whose models can be served where they lie."""

from __future__ import annotations

from typing import Annotated, Final

from llama_runner.config.constraint import OneOf

OLLAMA: Final = "ollama"
LM_STUDIO: Final = "lmstudio"
HUGGING_FACE: Final = "huggingface"

OTHER_STORES: Final = (OLLAMA, LM_STUDIO, HUGGING_FACE)
"""The stores of other programs, in the order in which they are looked at."""

OtherStore = Annotated[str, OneOf(OTHER_STORES)]
