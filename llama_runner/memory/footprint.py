"""How much memory a model will hold, reckoned from its header; pure.

The formulas are llama.cpp's own: the sizes of its key-value cache
(``llama_kv_cache``, ``llama_kv_cache_iswa``), of its recurrent state
(``llama_memory_recurrent``), and, roughly, of what it computes with. What the
process itself takes was measured (see ``BASE`` and what follows it).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from llama_runner.catalog.card import ModelCard, Projector, encodes_only

MIB = 1024 * 1024
BASE = 22 * MIB
"""Bytes of a llama-server that has answered: libraries, threads, HTTP (b11434 on Linux)."""
CHATTING = 2 * MIB
"""Bytes that templates and sampling add to it."""
SEEING = 5 * MIB
"""Bytes that a projector adds to it, beside its file."""
PER_TOKEN_NAME = 300
"""Bytes that one entry of the vocabulary takes in the process, merges included."""
LONG_INPUT = 512
"""Tokens of an input to embed that room is kept for; what longer ones take is learned of them."""
_PAD = 256
"""The cache is laid out in steps of so many cells."""
_FLOAT = 4

# A block's bytes over its elements, by the name that the engine's flags have for it.
_ELEMENT: Mapping[str, float] = {
    "f32": 4,
    "f16": 2,
    "bf16": 2,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}


@frozen(kw_only=True)
class Demand:
    """What of a launch decides how much memory it takes; ``context`` is that of all slots."""

    context: int
    slots: int
    micro_batch: int
    unified: bool = False
    key_type: str = "f16"
    value_type: str = "f16"
    full_window: bool = False
    """Whether layers with a sliding window keep everything all the same."""
    projector: int = 0
    """Bytes of the projector's file."""
    pools: bool = False
    """Whether it makes a vector or a score of its input, and no text."""
    host: int = 0
    """Bytes of a program that holds the engine."""


@frozen(kw_only=True)
class Footprint:
    """Bytes by what they are for.

    All are held from the load on, but for ``compute``, which is touched when batches are read.
    """

    weights: int
    cache: int
    state: int
    compute: int
    process: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.on_device + self.process

    @property
    def on_device(self) -> int:
        """What is held by the device that computes."""
        return self.weights + self.cache + self.state + self.compute


def footprint_of(card: ModelCard, demand: Demand) -> Footprint:
    """Return what a model will hold in bytes."""
    return Footprint(
        weights=card.size + demand.projector,
        cache=_cache(card, demand),
        state=_state(card, demand),
        compute=_compute(card, demand),
        process=_process(card, demand),
    )


def _process(card: ModelCard, demand: Demand) -> int:
    gifts = (0 if demand.pools else CHATTING) + (SEEING if demand.projector else 0)
    return BASE + gifts + PER_TOKEN_NAME * card.vocabulary_size + demand.host


def _cache(card: ModelCard, demand: Demand) -> int:
    if encodes_only(card.architecture):
        return 0  # it reads its whole input at once and remembers nothing
    heads = _each_layer(card.head_count_kv, card.block_count)
    # A layer without heads has no attention; those with a window are taken for average ones.
    attending = sum(1 for count in heads if count)
    windowed = min(card.windowed_layers, attending) / attending if attending else 0.0
    whole = _cells(demand)
    window = whole if demand.full_window else min(whole, _window_cells(card, demand))
    cells = whole * (1 - windowed) + window * windowed
    return round(sum(heads) * cells * _cell(card, demand))


def _cell(card: ModelCard, demand: Demand) -> float:
    """Return the bytes of one head's key and value of one token."""
    heads = max(_each_layer(card.head_count, 1)[0], 1)
    width = card.embedding_length // heads
    keys = (card.key_length or width) * _ELEMENT.get(demand.key_type, 2)
    values = (card.value_length or width) * _ELEMENT.get(demand.value_type, 2)
    return keys + values


def _cells(demand: Demand) -> int:
    if demand.unified:
        return _padded(demand.context)
    return demand.slots * _padded(demand.context // demand.slots)


def _window_cells(card: ModelCard, demand: Demand) -> int:
    window = card.sliding_window or 0
    if demand.unified:
        return _padded(window * demand.slots + demand.micro_batch)
    return demand.slots * _padded(window + demand.micro_batch)


def _state(card: ModelCard, demand: Demand) -> int:
    if not card.state_length:
        return 0
    heads = _each_layer(card.head_count_kv, card.block_count)
    recurrent = heads.count(0) or card.block_count
    return recurrent * demand.slots * card.state_length * _FLOAT


def _compute(card: ModelCard, demand: Demand) -> int:
    read = demand.micro_batch * _row(card)
    if card.projector is not None and demand.projector:
        read += card.projector.patches * _row(card.projector)
    return _FLOAT * (read + _outputs(card, demand))


def _row(layers: ModelCard | Projector) -> int:
    # One layer's activations: its input, queries, keys, values, sums, and the wide middle twice.
    return 6 * layers.embedding_length + 2 * layers.feed_forward_length


def _outputs(card: ModelCard, demand: Demand) -> int:
    if not demand.pools:
        return demand.slots * card.vocabulary_size
    # The engine has a row of scores for each token that it reads, though nobody asks for them;
    # it calculates them too, into rows of their own, unless the model has nothing to say.
    rows = min(demand.micro_batch, LONG_INPUT) * (1 if encodes_only(card.architecture) else 2)
    return rows * card.vocabulary_size


def _each_layer(counts: int | tuple[int, ...], layers: int) -> list[int]:
    return list(counts) if isinstance(counts, tuple) else [counts] * layers


def _padded(cells: int) -> int:
    return -(-cells // _PAD) * _PAD
