import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_runner.catalog.gguf import GGUFError, Header, Skipped, read_header
from tests.support.gguf_reading import drive, header_of
from tests.support.gguf_writer import (
    Encoded,
    Tensor,
    Typed,
    Writer,
    encode_gguf,
    model_metadata,
)

_NUMBERS = {
    0: st.integers(0, 2**8 - 1),
    1: st.integers(-(2**7), 2**7 - 1),
    2: st.integers(0, 2**16 - 1),
    3: st.integers(-(2**15), 2**15 - 1),
    4: st.integers(0, 2**32 - 1),
    5: st.integers(-(2**31), 2**31 - 1),
    6: st.floats(width=32, allow_nan=False),
    7: st.booleans(),
    10: st.integers(0, 2**64 - 1),
    11: st.integers(-(2**63), 2**63 - 1),
    12: st.floats(allow_nan=False),
}
_number = st.one_of(*(st.builds(Typed, st.just(kind), values) for kind, values in _NUMBERS.items()))
_arrays = st.one_of(
    st.lists(st.text(max_size=9), max_size=9),
    *(
        st.lists(st.builds(Typed, st.just(kind), values), min_size=1, max_size=9)
        for kind, values in _NUMBERS.items()
    ),
)
_key = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(
    lambda key: key != "general.alignment"
)
_metadata = st.dictionaries(_key, st.one_of(_number, st.text(max_size=50), _arrays), max_size=8)
_forms = {"version": st.sampled_from([1, 2, 3]), "big_endian": st.booleans()}


def _plain(value: Any) -> Any:
    if isinstance(value, Typed):
        return value.value
    return tuple(_plain(item) for item in value) if isinstance(value, list) else value


@given(_metadata, st.integers(1, 40), st.fixed_dictionaries(_forms))
def test_what_was_written_is_read_however_the_bytes_are_cut(metadata, longest, form):
    content = encode_gguf(metadata, **form)
    header, _ = drive(read_header(len(content)), content, lambda piece: piece[:longest])
    assert header.metadata == {key: _plain(value) for key, value in metadata.items()}
    assert header.version == form["version"]
    assert header.big_endian == form["big_endian"]
    assert header.tensors.count == 1
    assert header.tensors.weights == 32


@settings(max_examples=300)
@given(st.data())
def test_a_spoilt_header_is_refused_or_read_but_nothing_else(data):
    content = bytearray(_rich_file(data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    _must_end(bytes(content))


@given(st.integers(0, 2000))
def test_a_header_cut_anywhere_is_refused(place):
    content = _rich_file(big_endian=False)
    with pytest.raises(GGUFError):
        header_of(content[: place % len(content)])


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_magic_word_are_refused_or_read(noise):
    _must_end(b"GGUF\x03\0\0\0" + noise)


def _rich_file(big_endian: bool) -> bytes:
    metadata = model_metadata(
        general__tags=["a", "b"],
        llama__layers=[[1, 2], [3]],
        tokenizer__ggml__scores=[0.5, 1.5],
        tokenizer__chat_template="{{ messages }}",
    )
    return encode_gguf(metadata, [Tensor("a"), Tensor("b", (2, 4))], big_endian=big_endian)


def _must_end(content: bytes) -> None:
    reading = read_header(len(content))
    try:
        outcome, asked = drive(reading, content)
    except GGUFError as error:
        assert str(error)
    else:
        assert isinstance(outcome, Header)
        # Hostile counts must not make the reader ask for more than there is.
        assert all(span.position + span.size <= len(content) for span in asked)


def _with_one_value(kind: int, content: bytes) -> bytes:
    return encode_gguf({"x.y": Encoded(kind, content)})


_HUGE = struct.pack("<Q", 2**63)
_ARRAY_OF = {kind: struct.pack("<IQ", kind, 2**61) for kind in (0, 7, 8, 9, 12)}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GGUF\x03\0\0\0" + struct.pack("<QQ", 0, 2**64 - 1), "claims .* keys"),
        (b"GGUF\x03\0\0\0" + struct.pack("<QQ", 2**64 - 1, 0), "claims .* tensors"),
        (b"GGUF\x03\0\0\0" + struct.pack("<QQ", 200_000, 0), "table of tensors"),
        (_with_one_value(8, _HUGE), "'x.y'"),
        *((_with_one_value(9, array), "'x.y'") for array in _ARRAY_OF.values()),
        (_with_one_value(13, b""), "'x.y' is of type 13"),
        (_with_one_value(9, struct.pack("<IQ", 13, 1)), "array of type 13"),
        (b"GGUF\x04\0\0\0" + bytes(16), "version 4"),
        (b"GGUF\x00\0\0\0" + bytes(16), "version 0"),
        (b"GGUF\x03\0\0\0" + struct.pack("<QQQ", 0, 1, 0) + bytes(9), "length of 0"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "no GGUF file"),
        (b"GG", "first word"),
    ],
)
def test_a_hostile_header_is_refused_with_a_reason(content, says):
    with pytest.raises(GGUFError, match=says):
        header_of(content)


def test_a_key_that_occurs_twice_is_refused():
    writer = Writer()
    entry = writer.string("a.b") + writer.value(1)
    with pytest.raises(GGUFError, match=r"'a\.b' occurs twice"):
        header_of(b"GGUF" + writer.pack("I", 3) + struct.pack("<QQ", 0, 2) + entry * 2)


@pytest.mark.parametrize("alignment", [0, 3, -8, "32", 1.5])
def test_an_alignment_must_be_a_power_of_two(alignment):
    with pytest.raises(GGUFError, match="power of two"):
        header_of(encode_gguf({"general.alignment": alignment}))


def test_arrays_nested_a_thousand_deep_are_refused_without_recursion():
    nested = struct.pack("<IQ", 9, 1) * 1000 + struct.pack("<IQ", 0, 0)
    with pytest.raises(GGUFError, match="nested"):
        header_of(_with_one_value(9, nested))


def test_a_million_empty_arrays_are_refused_at_once():
    nested = struct.pack("<IQ", 9, 10**6) + struct.pack("<IQ", 0, 0) * 10**6
    with pytest.raises(GGUFError, match="too many arrays"):
        header_of(_with_one_value(9, nested))


def test_nested_arrays_are_stepped_over_and_what_follows_is_read():
    header = header_of(encode_gguf({"a": [["x", "y"], []], "b": [[1], [2, 3]], "c": 5}))
    assert header.metadata == {"a": Skipped(2), "b": Skipped(2), "c": 5}


def test_text_that_is_not_utf_8_is_replaced():
    assert header_of(encode_gguf({"a": b"\xff!"})).metadata == {"a": "\N{REPLACEMENT CHARACTER}!"}


def test_a_long_text_and_a_long_array_are_never_asked_for():
    metadata = {"text": "x" * 2_000_000, "numbers": Encoded(9, _numbers(500_000)), "end": 1}
    content = encode_gguf(metadata)
    header, asked = drive(read_header(len(content)), content)
    assert header.metadata == {"text": Skipped(2_000_000), "numbers": Skipped(500_000), "end": 1}
    assert sum(span.size for span in asked) < 300_000


def _numbers(count: int) -> bytes:
    return struct.pack("<IQ", 5, count) + bytes(4 * count)


def test_a_file_that_ends_while_it_is_read_is_refused():
    content = encode_gguf(model_metadata())
    with pytest.raises(GGUFError, match="ended while"):
        drive(read_header(len(content)), content, lambda piece: b"")


def test_a_large_vocabulary_is_leapt_over_and_no_byte_is_read_twice():
    tokens = [f"token{number}" for number in range(20_000)]
    metadata = model_metadata(
        tokenizer__ggml__tokens=tokens,
        tokenizer__ggml__token_type=Encoded(9, _numbers(20_000)),
        tokenizer__ggml__merges=tokens,
        tokenizer__chat_template="hello",
    )
    content = encode_gguf(metadata)
    header, asked = drive(read_header(len(content)), content)
    assert header.metadata["tokenizer.ggml.tokens"] == Skipped(20_000)
    assert header.metadata["tokenizer.ggml.merges"] == Skipped(20_000)
    assert header.metadata["tokenizer.chat_template"] == "hello"
    ends = [0, *(span.position + span.size for span in asked)]
    assert all(span.position >= end for span, end in zip(asked, ends, strict=False))
    assert sum(span.size for span in asked) < 0.75 * len(content)


@pytest.mark.parametrize("form", [{}, {"version": 1}, {"version": 2}, {"big_endian": True}])
@pytest.mark.parametrize("tensors", [(), (Tensor("a"),)])
def test_a_vocabulary_that_imitates_keys_is_read_exactly(form, tensors):
    fakes = ["tokenizer.ggml.merges", "four", "general.name", "eight888", "tokenizer.x.y"]
    metadata = {"a": 1, "tokenizer.ggml.tokens": fakes * 500, "z.last": "end"}
    header = header_of(encode_gguf(metadata, tensors, **form))
    assert header.metadata == {"a": 1, "tokenizer.ggml.tokens": Skipped(2500), "z.last": "end"}


def test_a_vocabulary_that_is_the_last_key_is_walked():
    metadata = {"tokenizer.ggml.tokens": ["some", "words", "é" * 200] * 4000}
    header = header_of(encode_gguf(metadata))
    assert header.metadata == {"tokenizer.ggml.tokens": Skipped(12_000)}


def test_a_truncated_vocabulary_is_refused_as_such():
    content = encode_gguf({"tokenizer.ggml.tokens": ["word"] * 5000, "tokenizer.b": 1})
    with pytest.raises(GGUFError, match="string|value"):
        header_of(content[:30_000])
