"""Steps over long arrays of strings, which are never wanted but lie in the way.

A vocabulary has 150,000 strings, each behind its own length, and the chat
template comes after it. Walking from length to length in Python takes some
20 ms a file; there are folders with hundreds.

So the reader first tries to *leap*: it searches for the metadata key behind
the array, since what follows a tokenizer's array is another of its keys or a
general one. That is a guess, and the header stays unproven until all that
follows has been read and found in order; else it is read again, by *walking*,
which is exact. A file made to deceive could hide its true end from a leap,
and would gain nothing: it could have said the same openly.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from llama_runner.catalog.gguf_layout import ValueType

if TYPE_CHECKING:
    from llama_runner.catalog.gguf_cursor import Cursor, Reading
    from llama_runner.catalog.gguf_layout import Layout

FEWEST_TO_LEAP = 1024
_LANDMARKS = (b"tokenizer.", b"general.")
_LONGEST_LANDMARK = max(map(len, _LANDMARKS))
_KEY = re.compile(rb"(?:tokenizer|general)(?:\.[a-z0-9_]+)+")
_LONGEST_KEY = 128
# How far a leap may look for its landmark, for each string of the array.
_REACH = 48
_RUN = 256
# Room for a run of common strings, so that the pattern seldom fails for want of bytes.
_RUN_SIZE = _RUN * 48


def leap(cursor: Cursor, layout: Layout, count: int) -> Reading[bool]:
    """Move to the key behind an array of ``count`` strings, if one is recognised.

    Else the cursor is left anywhere, and the reading must begin anew.
    """
    prefix = layout.length.size
    cursor.leapt = True
    limit = cursor.position + count * (prefix + _REACH)
    cursor.skip(count * prefix, "an array of strings")
    while cursor.position < limit:
        found = _find(cursor, cursor.at + prefix)
        if found is not None:
            cursor.at = found - prefix
            if (yield from _is_key(cursor, layout)):
                return True
            cursor.at += 1
            continue
        # A landmark may lie across the window's edge, behind its length.
        kept = prefix + _LONGEST_LANDMARK - 1
        cursor.at += max(0, cursor.buffered - kept)
        if cursor.remaining <= kept:
            return False
        yield from cursor.need(kept + 1, "a key")
    return False


def _find(cursor: Cursor, start: int) -> int | None:
    places = (cursor.window.find(landmark, start) for landmark in _LANDMARKS)
    return min((place for place in places if place >= 0), default=None)


def _is_key(cursor: Cursor, layout: Layout) -> Reading[bool]:
    most = layout.length.size + _LONGEST_KEY + layout.code.size
    yield from cursor.need(min(most, cursor.remaining), "a key")
    (length,) = layout.length.unpack_from(cursor.window, cursor.at)
    start = cursor.at + layout.length.size
    if length > _LONGEST_KEY or len(cursor.window) < start + length + layout.code.size:
        return False
    (kind,) = layout.code.unpack_from(cursor.window, start + length)
    key = _KEY.fullmatch(cursor.window, start, start + length)
    return key is not None and kind <= max(ValueType)


def walk(cursor: Cursor, layout: Layout, count: int) -> Reading[None]:
    """Step over exactly ``count`` strings."""
    runs = _run_of_strings() if layout.length.format == "<Q" else None
    while count:
        if runs and count >= _RUN:
            yield from cursor.need(min(_RUN_SIZE, cursor.remaining), "a string")
            if run := runs.match(cursor.window, cursor.at):
                cursor.at = run.end()
                count -= _RUN
                continue
        # As many as the pattern would have: trying it for each would be slow.
        steps = min(count, _RUN)
        yield from _step(cursor, layout, steps)
        count -= steps


def _step(cursor: Cursor, layout: Layout, count: int) -> Reading[None]:
    prefix, length_at = layout.length.size, layout.length.unpack_from
    while count:
        yield from cursor.need(prefix, "a string's length")
        window, at = cursor.window, cursor.at
        last = len(window) - prefix
        while count and at <= last:
            at += prefix + length_at(window, at)[0]
            count -= 1
        # Only now, for all of them: a length that lies leads beyond the file's end.
        cursor.skip(at - cursor.at, "a string")


@cache
def _run_of_strings() -> re.Pattern[bytes]:
    """Match a run of strings shorter than 128 bytes, each with a 64-bit length.

    The regular expression engine is the fastest loop that Python has for
    this: 35 ns a string, three times as fast as unpacking each length. The
    commonest lengths are tried first.
    """
    lengths = sorted(range(128), key=lambda length: abs(length - 5))
    strings = (re.escape(bytes([n])) + rb"\0{7}" + rb"." * n for n in lengths)
    return re.compile(rb"(?:%b){%d}+" % (rb"|".join(strings), _RUN), re.DOTALL)
