"""Reads the header of a GGUF file: what the model is, without its weights.

Sans I/O: ``read_header`` yields the spans of the file that it wants to see
and is sent their bytes, so it can be driven from a file, from memory or over
a network, and jumps over what nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import define, field, frozen

from llama_runner.catalog.gguf_cursor import Cursor, GGUFError, Reading, Span
from llama_runner.catalog.gguf_layout import LETTERS, Layout, ValueType, layout_of
from llama_runner.catalog.gguf_strings import FEWEST_TO_LEAP, leap, walk
from llama_runner.catalog.gguf_tensors import Tensors, read_tensors

__all__ = ["GGUFError", "Header", "Reading", "Skipped", "Span", "Value", "read_header"]

NEWEST_VERSION = 3
_MAGIC = b"GGUF"
# What is often found where a model should be.
_OTHER_MAGIC = {
    b"vers": "a Git LFS pointer; the model itself was not downloaded",
    b"lmgg": "a GGML file, from before GGUF",
    b"fmgg": "a GGML file, from before GGUF",
    b"tjgg": "a GGML file, from before GGUF",
}
_LONGEST_KEY = 65_535
_LONGEST_TEXT = 1024 * 1024
_MOST_KEYS = 65_536
_MOST_NUMBERS = 4096
_MOST_STRINGS = 256
_DEEPEST = 8
_MOST_NESTED = 65_536


@frozen
class Skipped:
    """A text or an array too long to be kept; only its length is known."""

    length: int


Scalar: TypeAlias = int | float | bool | str
Value: TypeAlias = Scalar | tuple[Scalar, ...] | Skipped


@frozen
class Header:
    """Everything in a GGUF file but the weights and the long arrays."""

    version: int
    big_endian: bool
    metadata: Mapping[str, Value]
    tensors: Tensors


@define(eq=False)
class _MetadataReader:
    """Reads the values of one header; ``leaping`` says how it passes long string arrays."""

    cursor: Cursor
    layout: Layout
    leaping: bool
    _nested: int = field(default=0, init=False)

    def entry(self) -> Reading[tuple[str, Value]]:
        """Return the next key and its value."""
        place = f"the key at byte {self.cursor.position}"
        length = yield from self.layout.read_length(self.cursor, place)
        if not 0 < length <= _LONGEST_KEY:
            raise GGUFError(f"{place} has an impossible length of {length} bytes")
        key = (yield from self.cursor.take(length, place)).decode(errors="replace")
        what = f"the value of {key[:80]!r}"
        kind = yield from self.layout.read_code(self.cursor, what)
        return key, (yield from self._value(kind, what))

    def _value(self, kind: int, what: str) -> Reading[Value]:
        if kind in LETTERS:
            return (yield from self.layout.read_number(kind, self.cursor, what))
        if kind == ValueType.STRING:
            return (yield from self._text(what))
        if kind == ValueType.ARRAY:
            return (yield from self._array(what, depth=1))
        raise GGUFError(f"{what} is of type {kind}, which does not exist")

    def _text(self, what: str) -> Reading[str | Skipped]:
        length = yield from self.layout.read_length(self.cursor, what)
        if length > _LONGEST_TEXT:
            self.cursor.skip(length, what)
            return Skipped(length)
        return (yield from self.cursor.take(length, what)).decode(errors="replace")

    def _array(self, what: str, *, depth: int) -> Reading[Value]:
        kind = yield from self.layout.read_code(self.cursor, what)
        count = yield from self.layout.read_length(self.cursor, what)
        if kind in LETTERS:
            return (yield from self._numbers(kind, count, what))
        if kind == ValueType.STRING:
            return (yield from self._strings(count, what))
        if kind == ValueType.ARRAY:
            return (yield from self._arrays(count, what, depth=depth + 1))
        raise GGUFError(f"{what} is an array of type {kind}, which does not exist")

    def _numbers(self, kind: int, count: int, what: str) -> Reading[Value]:
        if count <= _MOST_NUMBERS:
            return (yield from self.layout.read_numbers(kind, count, self.cursor, what))
        self.cursor.skip(count * self.layout.numbers[kind].size, what)
        return Skipped(count)

    def _strings(self, count: int, what: str) -> Reading[Value]:
        self.cursor.claim(count * self.layout.length.size, what)
        if count <= _MOST_STRINGS:
            texts: list[Scalar] = []
            for _ in range(count):
                text = yield from self._text(what)
                texts.append(text if isinstance(text, str) else "")
            return tuple(texts)
        if self.leaping and count >= FEWEST_TO_LEAP:
            if not (yield from leap(self.cursor, self.layout, count)):
                raise GGUFError(f"nothing recognisable follows {what}")
        else:
            yield from walk(self.cursor, self.layout, count)
        return Skipped(count)

    def _arrays(self, count: int, what: str, *, depth: int) -> Reading[Skipped]:
        self._nested += count
        if depth > _DEEPEST or self._nested > _MOST_NESTED:
            raise GGUFError(f"{what} is nested too deeply or holds too many arrays")
        for _ in range(count):
            yield from self._array(what, depth=depth)
        return Skipped(count)


def read_header(size: int) -> Reading[Header]:
    """Read the header of a file of ``size`` bytes.

    Raises:
        GGUFError: the file is none, is cut short, or claims what cannot be.
    """
    cursor = Cursor(size)
    try:
        header = yield from _read(cursor, leaping=True)
        if not cursor.leapt or header.tensors.anchored:
            return header
    except GGUFError:
        if not cursor.leapt:
            raise
    return (yield from _read(Cursor(size), leaping=False))


def _read(cursor: Cursor, *, leaping: bool) -> Reading[Header]:
    version, big_endian = yield from _version(cursor)
    layout = layout_of(version, big_endian=big_endian)
    tensor_count = yield from layout.read_length(cursor, "the number of tensors")
    key_count = yield from layout.read_length(cursor, "the number of keys")
    if key_count > _MOST_KEYS:
        raise GGUFError(f"the header claims {key_count} keys")
    reader = _MetadataReader(cursor, layout, leaping)
    metadata: dict[str, Value] = {}
    for _ in range(key_count):
        key, value = yield from reader.entry()
        if key in metadata:
            raise GGUFError(f"the key {key[:80]!r} occurs twice")
        metadata[key] = value
    tensors = yield from read_tensors(cursor, layout, tensor_count, _alignment(metadata))
    return Header(version, big_endian, metadata, tensors)


def _version(cursor: Cursor) -> Reading[tuple[int, bool]]:
    magic = yield from cursor.take(len(_MAGIC), "the first word")
    if magic != _MAGIC:
        what = _OTHER_MAGIC.get(magic, f"no GGUF file: it begins with {magic!r}")
        raise GGUFError(f"this is {what}")
    number = yield from cursor.take(4, "the version")
    # Nothing says the byte order; but a version is small, so its zeros tell.
    big_endian = number[0] == number[1] == 0
    version = int.from_bytes(number, "big" if big_endian else "little")
    if not 1 <= version <= NEWEST_VERSION:
        raise GGUFError(f"version {version} of the format is unknown")
    return version, big_endian


def _alignment(metadata: Mapping[str, Value]) -> int:
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise GGUFError(f"'general.alignment' is {alignment!r}, not a power of two")
    return alignment
