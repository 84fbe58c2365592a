"""What is done where a client wants a larger context than a model has."""

from __future__ import annotations

from typing import Annotated, Final

from llama_runner.config.constraint import OneOf

CLAMP: Final = "clamp"
GROW: Final = "grow"
REFUSE: Final = "refuse"

LargerContext = Annotated[str, OneOf((CLAMP, GROW, REFUSE))]
