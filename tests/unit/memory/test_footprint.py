"""Reckoned sizes against those that llama.cpp prints of the same models."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from llama_runner.catalog.card import ModelKind, Projector
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


@pytest.mark.parametrize("architecture", ["bert", "modern-bert", "gemma-embedding"])
def test_what_reads_its_input_at_once_keeps_nothing(architecture):
    encoder = model_card(architecture=architecture, kind=ModelKind.EMBEDDING)
    assert footprint_of(encoder, PLAIN).cache == 0
    assert footprint_of(model_card(kind=ModelKind.EMBEDDING), PLAIN).cache > 0


def test_what_makes_vectors_has_a_row_of_scores_for_each_token():
    # all-MiniLM-L6-v2: "compute buffer size = 7.27 MiB", and 60 MiB more once 500 tokens are read.
    minilm = model_card(
        architecture="bert",
        kind=ModelKind.EMBEDDING,
        embedding_length=384,
        feed_forward_length=1536,
        vocabulary_size=30522,
    )
    demand = evolve(PLAIN, context=1024, slots=2, micro_batch=512, pools=True)
    scores = 512 * 30522 * 4
    assert scores + 7 * MIB < footprint_of(minilm, demand).compute < scores + 14 * MIB
    # SmolLM2 as an embedder: 185 MiB more once 480 tokens are read; it calculates them too.
    assert footprint_of(SMOLLM2, demand).compute > 2 * 512 * 49152 * 4
    assert footprint_of(SMOLLM2, evolve(demand, pools=False)).compute < 20 * MIB


def test_room_is_kept_for_long_inputs_but_not_for_the_longest():
    large = model_card(architecture="bert", vocabulary_size=250_002)
    demand = evolve(PLAIN, context=8192, micro_batch=8192, pools=True)
    assert footprint_of(large, demand).compute < 600 * MIB


def test_a_projector_is_weights_too():
    with_projector = footprint_of(SMOLLM2, evolve(PLAIN, projector=1000))
    assert with_projector.weights == SMOLLM2.size + 1000
    assert with_projector.process > footprint_of(SMOLLM2, PLAIN).process


def test_a_projector_computes_with_the_pieces_of_an_image():
    # 336 pixels, 14 each, width 1024: "compute buffer size = 19.32 MiB"; 24.5 MiB more once used.
    eye = Projector(patches=576, embedding_length=1024, feed_forward_length=4096)
    seer = evolve(SMOLLM2, projector=eye)
    used = evolve(PLAIN, projector=1000)
    more = footprint_of(seer, used).compute - footprint_of(SMOLLM2, used).compute
    assert 19 * MIB < more < 32 * MIB
    assert footprint_of(seer, PLAIN) == footprint_of(SMOLLM2, PLAIN)


@given(st.integers(1, 1 << 20), st.integers(1, 1 << 20), st.integers(1, 16), st.integers(1, 4096))
def test_more_context_never_takes_less(one, other, slots, batch):
    less, more = sorted((one, other))
    totals = [
        footprint_of(SMOLLM2, Demand(context=context, slots=slots, micro_batch=batch)).total
        for context in (less, more)
    ]
    assert totals[0] <= totals[1]
