"""Reckoned sizes against those that llama.cpp prints of the same models."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from llama_runner.catalog.card import ModelKind
from llama_runner.memory.footprint import MIB, Demand, footprint_of
from tests.support.model_cards import model_card

SMOLLM2 = model_card(
    size=98_362_432,
    embedding_length=576,
    feed_forward_length=1536,
    block_count=30,
    head_count=9,
    head_count_kv=3,
    vocabulary_size=49152,
)
PLAIN = Demand(context=4096, slots=1, micro_batch=128)


def test_the_cache_of_a_plain_model():
    # "llama_kv_cache: size = 90.00 MiB (4096 cells, 30 layers, 1/1 seqs), K (f16): 45.00 MiB"
    assert footprint_of(SMOLLM2, PLAIN).cache == 90 * MIB


@pytest.mark.parametrize(("kind", "share"), [("q8_0", 17 / 32), ("q4_0", 9 / 32), ("f32", 2)])
def test_the_cache_can_be_of_other_types(kind, share):
    demand = evolve(PLAIN, key_type=kind, value_type=kind)
    assert footprint_of(SMOLLM2, demand).cache == 90 * MIB * share


def test_each_slot_has_a_whole_number_of_steps():
    divided = footprint_of(SMOLLM2, evolve(PLAIN, context=4100, slots=4)).cache
    assert divided == footprint_of(SMOLLM2, evolve(PLAIN, context=4 * 1280)).cache
    shared = footprint_of(SMOLLM2, evolve(PLAIN, context=4100, slots=4, unified=True)).cache
    assert shared == footprint_of(SMOLLM2, evolve(PLAIN, context=4352)).cache


def test_layers_with_a_window_keep_little_unless_told_otherwise():
    # As gemma-3-1b: 22 of 26 layers look back 512 tokens.
    gemma = model_card(
        block_count=26,
        head_count=4,
        head_count_kv=1,
        key_length=256,
        value_length=256,
        sliding_window=512,
        windowed_layers=22,
    )
    demand = Demand(context=32768, slots=1, micro_batch=512)
    layer_of = 2 * 256 * 2
    assert footprint_of(gemma, demand).cache == layer_of * (4 * 32768 + 22 * 1024)
    whole = evolve(demand, full_window=True)
    assert footprint_of(gemma, whole).cache == layer_of * 26 * 32768


def test_a_recurrent_model_keeps_a_state_whatever_its_context():
    mamba = model_card(block_count=24, head_count=0, head_count_kv=0, state_length=29184)
    small, large = (
        footprint_of(mamba, evolve(PLAIN, context=context, slots=2)) for context in (512, 65536)
    )
    assert small == large
    assert (small.cache, small.state) == (0, 24 * 2 * 29184 * 4)


def test_a_hybrid_has_both_by_its_layers():
    hybrid = model_card(
        block_count=4,
        head_count=8,
        head_count_kv=(0, 2, 0, 2),
        state_length=1000,
        embedding_length=512,
    )
    footprint = footprint_of(hybrid, PLAIN)
    assert footprint.cache == 4 * 4096 * (64 + 64) * 2
    assert footprint.state == 2 * 1000 * 4


def test_what_reads_its_input_at_once_keeps_nothing():
    bert = model_card(architecture="bert", kind=ModelKind.EMBEDDING)
    assert footprint_of(bert, PLAIN).cache == 0


def test_a_projector_is_weights_too():
    with_projector = footprint_of(SMOLLM2, evolve(PLAIN, projector=1000))
    assert with_projector.weights == SMOLLM2.size + 1000


@given(st.integers(1, 1 << 20), st.integers(1, 1 << 20), st.integers(1, 16), st.integers(1, 4096))
def test_more_context_never_takes_less(one, other, slots, batch):
    less, more = sorted((one, other))
    totals = [
        footprint_of(SMOLLM2, Demand(context=context, slots=slots, micro_batch=batch)).total
        for context in (less, more)
    ]
    assert totals[0] <= totals[1]
