"""Bytes cut at any places, for the codecs that must not care."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """Return ``stream`` in pieces, cut at ``places`` that lie inside it."""
    edges = [0, *sorted({place for place in places if 0 < place < len(stream)}), len(stream)]
    return [stream[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def anywhere(longest: int) -> st.SearchStrategy[set[int]]:
    """Draw the places at which a stream of up to ``longest`` bytes is cut."""
    return st.sets(st.integers(1, max(1, longest - 1)))
