"""An order left to chance, so that nothing is always measured first."""

from __future__ import annotations

import random
from collections.abc import Iterable


def shuffled(names: Iterable[str]) -> list[str]:
    """Return the names in another order each time."""
    listed = list(names)
    return random.sample(listed, len(listed))
