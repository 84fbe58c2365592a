"""How numbers are laid out in a GGUF file: by version and byte order."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from struct import Struct

from attrs import frozen

from llama_runner.catalog.gguf_cursor import Cursor, Reading


class ValueType(IntEnum):
    """The types a metadata value may have."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


# The numbers among them, in the struct module's letters.
LETTERS: Mapping[int, str] = {
    ValueType.UINT8: "B",
    ValueType.INT8: "b",
    ValueType.UINT16: "H",
    ValueType.INT16: "h",
    ValueType.UINT32: "I",
    ValueType.INT32: "i",
    ValueType.FLOAT32: "f",
    ValueType.BOOL: "?",
    ValueType.UINT64: "Q",
    ValueType.INT64: "q",
    ValueType.FLOAT64: "d",
}
MOST_DIMENSIONS = 8


@frozen
class Layout:
    """The structures of one version in one byte order."""

    order: str
    length: Struct
    code: Struct
    numbers: Mapping[int, Struct]
    # What follows a tensor's name, by its number of dimensions.
    shapes: tuple[Struct, ...]

    def read_length(self, cursor: Cursor, what: str) -> Reading[int]:
        """Return the count or the length that comes next."""
        return (yield from _read(self.length, cursor, what))

    def read_code(self, cursor: Cursor, what: str) -> Reading[int]:
        """Return the 32-bit number that comes next."""
        return (yield from _read(self.code, cursor, what))

    def read_number(self, kind: int, cursor: Cursor, what: str) -> Reading[int | float | bool]:
        """Return the number of type ``kind`` that comes next."""
        number: int | float | bool = yield from _read(self.numbers[kind], cursor, what)
        return number

    def read_numbers(
        self, kind: int, count: int, cursor: Cursor, what: str
    ) -> Reading[tuple[int | float | bool, ...]]:
        """Return ``count`` numbers of type ``kind``."""
        packed = Struct(f"{self.order}{count}{LETTERS[kind]}")
        return packed.unpack((yield from cursor.take(packed.size, what)))


def _read(structure: Struct, cursor: Cursor, what: str) -> Reading[int]:
    if cursor.buffered < structure.size:
        yield from cursor.need(structure.size, what)
    number: int = structure.unpack_from(cursor.window, cursor.at)[0]
    cursor.at += structure.size
    return number


@cache
def layout_of(version: int, *, big_endian: bool) -> Layout:
    """Return the layout of a version that is known to exist."""
    order = ">" if big_endian else "<"
    # The first version counted with 32 bits; only offsets were wide.
    length = "I" if version == 1 else "Q"
    return Layout(
        order=order,
        length=Struct(order + length),
        code=Struct(order + "I"),
        numbers={kind: Struct(order + letter) for kind, letter in LETTERS.items()},
        shapes=tuple(Struct(f"{order}{n}{length}IQ") for n in range(MOST_DIMENSIONS + 1)),
    )
