"""Which residents go when room must be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from llama_runner.memory.amounts import Amounts, total
from llama_runner.scheduling.resident import Resident

TRIED_EXACTLY = 10
"""Candidates among which the cheapest set is sought by trying all sets: 1,024 of them."""

_Rank = tuple[int, int, float]


def shortfall(need: Amounts, room: Amounts) -> Amounts:
    """Return what of a need the room lacks, device by device."""
    missing = (need - room).by_device
    return Amounts({name: most for name, most in missing.items() if most > 0 < need.on(name)})


def cheapest(
    candidates: Mapping[str, Resident], held: Mapping[str, Amounts], missing: Amounts
) -> tuple[str, ...] | None:
    """Return the residents to stop for what is ``missing``; None if all would not be enough.

    What they cost to bring back counts first, in whole seconds, since no two loads take
    the same time; then how many they are; then how long they have not been used.
    """
    useful = {key: resident for key, resident in candidates.items() if _frees(held[key], missing)}
    if not _enough(useful, held, missing):
        return None
    if len(useful) > TRIED_EXACTLY:
        return _one_by_one(useful, held, missing)
    sets = (
        chosen
        for size in range(len(useful) + 1)
        for chosen in combinations(sorted(useful), size)
        if _enough(chosen, held, missing)
    )
    return min(sets, key=lambda chosen: _rank(chosen, useful))


def _one_by_one(
    useful: Mapping[str, Resident], held: Mapping[str, Amounts], missing: Amounts
) -> tuple[str, ...]:
    """Drop the dearest first, for as long as the rest is enough."""
    chosen = sorted(useful, key=lambda key: _rank((key,), useful))
    for key in reversed(chosen[:]):
        rest = [other for other in chosen if other != key]
        if _enough(rest, held, missing):
            chosen = rest
    return tuple(chosen)


def _rank(chosen: Iterable[str], residents: Mapping[str, Resident]) -> _Rank:
    went = [residents[key] for key in chosen]
    latest = max((resident.idle_since for resident in went), default=0.0)
    return round(sum(resident.cost for resident in went)), len(went), latest


def _frees(held: Amounts, missing: Amounts) -> bool:
    return any(held.on(device) for device in missing.by_device)


def _enough(chosen: Iterable[str], held: Mapping[str, Amounts], missing: Amounts) -> bool:
    return missing.fits(total(held[key] for key in chosen))
