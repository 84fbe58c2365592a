"""Sets the long strings of a JSON text aside, so that only what is left must be parsed.

An image is one string of megabytes. To parse and write it again takes 5 ms a megabyte, in
one step in which nobody else has a turn; to find its end takes 2, in as many steps as one
likes. In the text that is left a placeholder stands for the rest of such a string. It is
made from that rest, so that equal strings have equal ones, and cannot be guessed.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Generator, Mapping, Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import TypeAlias

import orjson
from attrs import frozen

from llama_runner.wire.body import Body

STEP = 65_536
"""Bytes that are looked at in one step; a longer string is set aside."""
KEPT = 64
"""Characters at its beginning that stay in the text, to tell what it is."""

_SECRET = token_bytes(16)
# RFC 8259: what is between the strings, and whole strings, escapes not looked at. Atomic groups
# and no possessive quantifiers: those go wrong around groups before CPython 3.11.5 (gh-106052).
_SHORT = re.compile(rb'(?>[^"]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"]*)*)', re.DOTALL)
_PLAIN = re.compile(rb"[ !#-\[\]-~]{0,%d}" % KEPT)
# Section 7; two halves of a pair must come together, as they do in every parser worth its name.
_ESCAPE = (
    rb'\\(?:["\\/bfnrt]'
    rb"|u(?:[0-9abcefABCEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}"
    rb"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
_INSIDE = re.compile(rb'(?>[^"\\\x00-\x1f]*(?:%b[^"\\\x00-\x1f]*)*)' % _ESCAPE)
# Its first character is none of the others, so that none can begin within another.
_PLACEHOLDER = re.compile(b"~[0-9a-f]{32}")
_UTF8 = getincrementaldecoder("utf-8")


class BrokenString(ValueError):
    """A string holds, from byte ``place`` of the text on, what none may hold."""

    def __init__(self, place: int) -> None:
        super().__init__(f"byte {place} neither belongs to a string nor ends it")


class TooMuch(ValueError):
    """More is left than may be."""


Aside: TypeAlias = Mapping[bytes, memoryview]
"""What was set aside, by its placeholder."""


@frozen
class Parted:
    """A JSON text without its long strings."""

    text: Body
    aside: Aside


def restored(written: bytes, aside: Aside) -> Sequence[bytes | memoryview]:
    """Return what was written with placeholders in it as the pieces of the whole."""
    pieces: list[bytes | memoryview] = []
    place = 0
    for found in _PLACEHOLDER.finditer(written) if aside else ():
        rest = aside.get(found.group())
        if rest is not None:
            pieces += (written[place : found.start()], rest)
            place = found.end()
    return (*pieces, written[place:])


def plain_beginning(text: str, aside: Aside) -> str:
    """Return what a string that was read begins with, all of it if nothing is set aside of it."""
    place = text.rfind("~") if aside else -1
    return text[:place] if place >= 0 and text[place:].encode() in aside else text


def whole_text(text: str, aside: Aside) -> str:
    """Return a string that was read with all that was set aside of it."""
    begun = plain_beginning(text, aside)
    if begun is text:
        return text
    rest: str = orjson.loads(b'"%b"' % bytes(aside[text[len(begun) :].encode()]))
    return begun + rest


def part(text: Body, most: int, step: int = STEP) -> Generator[None, None, Parted]:
    """Set the long strings of ``text`` aside, and yield whenever ``step`` bytes were looked at.

    What is left is no more than ``most`` bytes, and is JSON if the text was.

    Raises:
        BrokenString: one of the long strings is none.
        TooMuch: more than ``most`` bytes are left.

    """
    left, aside, place = bytearray(), dict[bytes, memoryview](), 0
    while place < len(text):
        end = _matched(_SHORT, text, place, step)
        # At the end of the text it is for its parser to say what is wrong with it.
        last = end == place and len(text) - place <= step
        left += text[place : len(text) if last else end]
        if len(left) > most:
            raise TooMuch
        if last:
            break
        if end == place:
            kept = _matched(_PLAIN, text, place + 1, step)
            placeholder, end = yield from _long(text, kept, step)
            left += text[place:kept] + placeholder + b'"'
            aside[placeholder] = memoryview(text)[kept:end]
            end += 1
        place = end
        yield
    return Parted(left, aside)


def _long(text: Body, place: int, step: int) -> Generator[None, None, tuple[bytes, int]]:
    """Return the placeholder of a string from ``place`` on, and where it ends."""
    digest, decoder = blake2b(digest_size=16, key=_SECRET), _UTF8()
    while True:
        end = _matched(_INSIDE, text, place, step)
        piece = text[place:end]
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise BrokenString(place) from error
        if not piece:
            break
        digest.update(piece)
        place = end
        yield
    if text[place : place + 1] != b'"':
        raise BrokenString(place)
    return b"~%b" % digest.hexdigest().encode(), place


def _matched(pattern: re.Pattern[bytes], text: Body, place: int, step: int) -> int:
    """Return where the match from ``place`` on ends; each of the patterns matches nothing too."""
    found = pattern.match(text, place, place + step)
    assert found is not None
    return found.end()
