"""What ends a fuzzing round."""

from __future__ import annotations


class Wrong(AssertionError):
    """What a fuzzed connection brought to light."""
