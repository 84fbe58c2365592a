from __future__ import annotations

import pytest

from llama_runner import embedded
from llama_runner.config.engine_flags import OWNED_FLAGS
from llama_runner.runner.flags import (
    ADJUSTABLE,
    EMBEDDED_PARAMETERS,
    FIXED,
    NEGATABLE,
    ON_OFF,
    OURS,
    canonical,
    words,
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ctx-size", 4096, ("--ctx-size", "4096")),
        ("temp", 0.1, ("--temp", "0.1")),
        ("cache-type-k", "q8_0", ("--cache-type-k", "q8_0")),
        ("swa-full", True, ("--swa-full",)),
        ("swa-full", False, ()),
        ("jinja", True, ("--jinja",)),
        ("jinja", False, ("--no-jinja",)),
        ("flash-attn", True, ("--flash-attn", "on")),
        ("flash-attn", False, ("--flash-attn", "off")),
        ("flash-attn", "auto", ("--flash-attn", "auto")),
        ("seed", -1, ("--seed", "-1")),
    ],
)
def test_a_setting_becomes_the_words_that_the_engine_reads(name, value, expected):
    assert words(name, value) == expected


def test_a_negative_form_is_turned_round():
    assert canonical({"no-jinja": True, "no-kv-offload": False}) == {
        "jinja": False,
        "kv-offload": True,
    }


def test_a_name_that_only_begins_with_no_is_left_alone():
    assert canonical({"no-host": True}) == {"no-host": True}


def test_other_spellings_become_the_one_we_decide_by():
    assert canonical({"embeddings": True, "n-gpu-layers": 9}) == {
        "embedding": True,
        "gpu-layers": 9,
    }


def test_what_is_ours_is_refused_in_the_configuration():
    assert {flag.removeprefix("--") for flag in OURS} <= OWNED_FLAGS
    assert not ADJUSTABLE & OWNED_FLAGS


def test_the_embedded_engine_takes_every_flag_that_we_may_emit_and_no_other():
    emitted = OURS | {word for word in FIXED if word.startswith("--")}
    for name in EMBEDDED_PARAMETERS:
        emitted |= {word for value in (True, False, "v") for word in words(name, value)[:1]}
    switched = {flag for flag in emitted if flag in embedded.SWITCHES}
    assert embedded.SWITCHES.keys() | embedded.VALUES.keys() <= emitted
    # A switch has no value form and a flag with a value no switch form; one of each must do.
    for name in EMBEDDED_PARAMETERS:
        spellings = {f"--{name}", f"--no-{name}"} if name in NEGATABLE else {f"--{name}"}
        assert spellings <= switched or spellings <= embedded.VALUES.keys(), name
    assert OURS <= embedded.SWITCHES.keys() | embedded.VALUES.keys()
    assert not any(f"--{name}" in embedded.SWITCHES for name in ON_OFF)
