import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.catalog.assembly import assemble
from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.found_file import FoundFile
from llama_runner.catalog.names import (
    ModelKey,
    by_likeness,
    derive_keys,
    exact_names,
    loose_names,
    normalise,
)
from tests.support.gguf_reading import facts, found


def _found(path: str) -> FoundFile:
    *folders, name = path.split("/")
    return found(name, *folders)


def _cards(*paths: str) -> tuple[ModelCard, ...]:
    return tuple(assemble({_found(path): facts()}).cards[0] for path in paths)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "qwen3-8b-q4_k_m"),
        (" Qwen3:latest ", "qwen3"),
        ("Qwen3.GGUF:latest", "qwen3"),
        ("Publisher\\Repo\\File.gguf", "publisher/repo/file"),
        ("qwen3@Q4_K_M", "qwen3:q4_k_m"),
        ("my  model", "my-model"),
        ("caf\udce9", "caf?"),
        ("/", ""),
    ],
)
def test_names_have_a_normal_form(name, normal):
    assert normalise(name) == normal


@given(st.text())
def test_the_normal_form_is_always_text(name):
    normalise(name).encode()


def test_a_key_is_the_lower_case_stem():
    assert derive_keys(_cards("JanusCoderV-7B-i1-GGUF/JanusCoderV-7B.i1-Q4_K_S.gguf")) == (
        "januscoderv-7b.i1-q4_k_s",
    )


def test_a_shards_number_is_no_part_of_the_key():
    assert derive_keys(_cards("Grok-Q4_0-00001-of-00001.gguf")) == ("grok-q4_0",)


def test_equal_stems_are_told_apart_by_their_folders():
    cards = _cards("One/m.gguf", "Two/M.gguf", "m.gguf", "other.gguf")
    assert derive_keys(cards) == ("one/m", "two/m", "m", "other")


def test_what_no_folder_tells_apart_is_numbered():
    assert derive_keys(_cards("M.gguf", "m.gguf")) == ("m", "m-2")


def test_a_key_that_is_taken_is_avoided():
    cards = _cards("one/m.gguf", "m.gguf")
    assert derive_keys(cards, taken={"m", "one/m"}) == ("one/m-2", "m-2")
    assert derive_keys(cards[:1], taken={"m"}) == ("one/m",)


def test_no_cards_have_no_keys():
    assert derive_keys(()) == ()


_part = st.sampled_from(["a", "A", "b", "a-2"])
_path = st.lists(_part, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".gguf")


@given(st.lists(_path, unique=True, max_size=8), st.sets(_part))
def test_keys_are_unique_whatever_the_paths(paths, taken):
    cards = _cards(*paths)
    keys = derive_keys(cards, {normalise(name) for name in taken})
    assert len(set(keys)) == len(paths)
    assert not set(keys) & {normalise(name) for name in taken}


def test_a_file_answers_to_every_tail_of_its_path():
    (card,) = _cards("Big-Q8_0-00001-of-00001.gguf")
    assert set(exact_names(card)) == {"big-q8_0", "big-q8_0-00001-of-00001"}
    (card,) = _cards("Repo-GGUF/Tiny-Q8_0.gguf")
    assert set(exact_names(card)) == {"tiny-q8_0", "repo-gguf/tiny-q8_0"}


def test_a_model_answers_to_its_folder_and_to_its_name_with_any_quantisation():
    (card,) = _cards("Tiny-GGUF/Tiny-UD-Q8_0.gguf")
    names = set(loose_names(card))
    assert {"tiny-gguf", "tiny", "tiny-gguf/tiny"} <= names
    assert {"tiny:ud-q8_0", "tiny-gguf:ud-q8_0", "tiny-gguf/tiny:ud-q8_0"} <= names


def test_the_likest_keys_come_first():
    keys = [ModelKey(key) for key in ("gemma-3-4b", "qwen3-8b", "qwen2.5-7b", "Qwen3-4B")]
    assert by_likeness("Qwen3-4", keys)[:2] == ("Qwen3-4B", "qwen3-8b")
    assert set(by_likeness("", keys)) == set(keys)
