"""Two clients who ask for three models in turns, of which one fits: A B A A C A B C and so on."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from attrs import frozen

MODELS = "ABC"
REQUESTS = 200


@frozen
class Ask:
    """One request of the trace: when it comes, from whom, for which model."""

    at: float
    client: str
    model: str


def trace(seed: int, gap: float, requests: int = REQUESTS) -> list[Ask]:
    """Return a trace whose requests come ``gap`` seconds apart on average.

    Each client goes on with the model it used last in half of its requests.
    """
    random, last, at, asked = Random(seed), {"one": "A", "two": "B"}, 0.0, []
    for _ in range(requests):
        client = random.choice(("one", "two"))
        if random.random() < 0.5:
            last[client] = random.choice(MODELS)
        asked.append(Ask(at, client, last[client]))
        at += random.expovariate(1 / gap)
    return asked


def fewest_loads(
    asked: Sequence[Ask], *, answer: float, swap: float, load: float, within: float
) -> int | None:
    """Return the fewest loads with which every request begins ``within`` seconds; None: none do.

    By dynamic programming over what has been served, knowing the whole trace beforehand:
    for each number of requests served of each model, for the model that is loaded and for
    each number of loads, the earliest time at which that can be reached. Requests for one
    model are served in their order, one at a time, each for ``answer`` seconds; waiting for
    a request that is still to come is allowed. Nothing that is served earlier can be worse.
    """
    queues = {model: [ask.at for ask in asked if ask.model == model] for model in MODELS}
    states: dict[tuple[tuple[int, ...], str, int], float] = {((0,) * len(MODELS), "", 0): 0.0}
    for _ in range(len(asked)):
        reached: dict[tuple[tuple[int, ...], str, int], float] = {}
        for (served, loaded, loads), now in states.items():
            if _too_late(served, queues, now - within):
                continue
            for number, model in enumerate(MODELS):
                if served[number] == len(queues[model]):
                    continue
                ready = now if model == loaded else now + (swap if loaded else load)
                began = max(ready, queues[model][served[number]])
                if began > queues[model][served[number]] + within:
                    continue
                after = (*served[:number], served[number] + 1, *served[number + 1 :])
                key = after, model, loads + (model != loaded)
                reached[key] = min(reached.get(key, began + answer), began + answer)
        states = _not_dominated(reached)
    return min((loads for _, _, loads in states), default=None)


def _too_late(served: tuple[int, ...], queues: dict[str, list[float]], latest: float) -> bool:
    """Tell whether somebody who is not served yet came before ``latest``."""
    firsts = zip(served, queues.values(), strict=True)
    return any(done < len(queue) and queue[done] < latest for done, queue in firsts)


def _not_dominated(
    states: dict[tuple[tuple[int, ...], str, int], float],
) -> dict[tuple[tuple[int, ...], str, int], float]:
    """Leave out what takes more loads than another and is no earlier for it."""
    kept: dict[tuple[tuple[int, ...], str, int], float] = {}
    earliest: dict[tuple[tuple[int, ...], str], float] = {}
    for (served, loaded, loads), now in sorted(states.items(), key=lambda item: item[0][2]):
        if now < earliest.get((served, loaded), now + 1):
            earliest[served, loaded] = now
            kept[served, loaded, loads] = now
    return kept
