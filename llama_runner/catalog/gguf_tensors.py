"""The table of tensors in a GGUF header, of which only the sums are kept."""

from __future__ import annotations

import struct
from math import prod

from attrs import define, field, frozen

from llama_runner.catalog.gguf_cursor import Cursor, GGUFError, Reading
from llama_runner.catalog.gguf_layout import MOST_DIMENSIONS, Layout
from llama_runner.catalog.tensor_types import tensor_bytes

_MOST_TENSORS = 262_144
_LONGEST_NAME = 1024
_MOST_WEIGHTS = 2**63


@frozen
class Tensors:
    """What all tensors of a file amount to.

    ``anchored`` tells that the table is where the size and the offsets of the
    data prove it to belong, however it was found.
    """

    count: int
    weights: int
    anchored: bool


def read_tensors(cursor: Cursor, layout: Layout, count: int, alignment: int) -> Reading[Tensors]:
    """Read the table of ``count`` tensors and check that the file holds their data."""
    if count > _MOST_TENSORS:
        raise GGUFError(f"the header claims {count} tensors")
    cursor.claim(count * (layout.length.size + layout.shapes[0].size), "the table of tensors")
    longest = layout.length.size + _LONGEST_NAME + layout.code.size + layout.shapes[-1].size
    table = _Table(layout, alignment)
    while table.rows < count:
        yield from cursor.need(min(longest, cursor.remaining), "the table of tensors")
        at_end = cursor.buffered == cursor.remaining
        table.add_rows(cursor, count, margin=0 if at_end else longest)
    padding = -cursor.position % alignment
    if count == 0:
        return Tensors(0, 0, anchored=cursor.remaining <= padding)
    _check_data(cursor, cursor.position + padding + table.end)
    return Tensors(count, table.weights, anchored=table.lowest == 0)


@define(eq=False)
class _Table:
    """Adds up rows; there are a hundred thousand in a folder's headers, so in one loop."""

    layout: Layout
    alignment: int
    rows: int = field(default=0, init=False)
    weights: int = field(default=0, init=False)
    lowest: int = field(default=2**64, init=False)
    end: int = field(default=0, init=False)

    def add_rows(self, cursor: Cursor, count: int, margin: int) -> None:
        """Take rows from the window up to the last ``margin`` bytes, until there are ``count``."""
        last = len(cursor.window) - margin
        try:
            while self.rows < count and cursor.at <= last:
                self._add_row(cursor)
        except struct.error:
            raise GGUFError("the table of tensors is cut off by the end of the file") from None

    def _add_row(self, cursor: Cursor) -> None:
        layout, window = self.layout, cursor.window
        (name_length,) = layout.length.unpack_from(window, cursor.at)
        at = cursor.at + layout.length.size + min(name_length, _LONGEST_NAME)
        (dimension_count,) = layout.code.unpack_from(window, at)
        if name_length > _LONGEST_NAME or dimension_count > MOST_DIMENSIONS:
            raise self._impossible(f"a name of {name_length} bytes, {dimension_count} dimensions")
        shape = layout.shapes[dimension_count]
        *dimensions, kind, offset = shape.unpack_from(window, at + layout.code.size)
        weights = prod(dimensions)
        if weights >= _MOST_WEIGHTS or offset % self.alignment:
            raise self._impossible(f"{weights} weights at offset {offset}")
        cursor.at = at + layout.code.size + shape.size
        self.rows += 1
        self.weights += weights
        self.lowest = min(self.lowest, offset)
        self.end = max(self.end, offset + tensor_bytes(kind, weights))

    def _impossible(self, what: str) -> GGUFError:
        return GGUFError(f"row {self.rows} of the table of tensors is impossible: {what}")


def _check_data(cursor: Cursor, end: int) -> None:
    if end > cursor.size:
        raise GGUFError(
            f"the file is incomplete: its tensors reach to byte {end}, "
            f"but it has only {cursor.size} bytes"
        )
