"""The bytes of a JSON file → a document, or where they go wrong, in words for people."""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from llama_runner.config.problem import Problem, Refused, Step

_SURROGATE = re.compile("[\ud800-\udfff]")
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def parse_document(content: bytes) -> Any:
    """Return what the file says.

    Raises:
        Refused: it is not UTF-8, not JSON, repeats a key, or holds a number
            that no JSON reader agrees on.
    """
    text = _decode(content)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_Object.of,
            parse_constant=_Unreadable,
            parse_float=_read_float,
            parse_int=_read_int,
        )
        problems = list(_problems(document, ()))
    except json.JSONDecodeError as error:
        raise Refused([Problem((), _syntax_error(error))]) from error
    except RecursionError as error:
        raise Refused([Problem((), "lists and objects are nested too deeply")]) from error
    if problems:
        raise UnreadableParts(document, problems)
    return document


class UnreadableParts(Refused):
    """The document can be looked at further, to find its other problems too."""

    def __init__(self, document: Any, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.document = document


@frozen
class _Unreadable:
    """Stands in for a number that is none."""

    text: str


class _Object(dict[str, Any]):
    """An object that remembers which keys it was given twice."""

    repeated: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> _Object:
        """Build it from the pairs in the file."""
        result = cls(pairs)
        if len(result) != len(pairs):
            counts = Counter(name for name, _ in pairs)
            result.repeated = tuple(name for name, count in counts.items() if count > 1)
        return result


def _read_float(text: str) -> float | _Unreadable:
    value = float(text)
    return _Unreadable(text) if value in (float("inf"), float("-inf")) else value


def _read_int(text: str) -> int | _Unreadable:
    try:
        return int(text)
    except ValueError:  # Python refuses to read thousands of digits
        return _Unreadable(f"{text[:20]}…")


def _problems(value: Any, path: tuple[Step, ...]) -> Iterator[Problem]:
    match value:
        case _Unreadable(text):
            yield Problem(path, f"expected an ordinary number, got {text}")
        case str() if _SURROGATE.search(value):
            yield Problem(path, "expected whole characters, got half of a \\uD800 pair")
        case list():
            for index, item in enumerate(value):
                yield from _problems(item, (*path, index))
        case _Object():
            for name in value.repeated:
                yield Problem((*path, name), "this key is there twice; keep one")
            for name, item in value.items():
                if _SURROGATE.search(name):
                    yield Problem(path, "expected keys of whole characters, got half of a pair")
                else:
                    yield from _problems(item, (*path, name))


def _decode(content: bytes) -> str:
    for mark, name in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            raise Refused([Problem((), f"expected UTF-8, got {name}; save the file as UTF-8")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        place = _place(before, len(before))
        text = f"{place}: expected UTF-8, got the byte 0x{content[error.start]:02X}"
        raise Refused([Problem((), f"{text}; save the file as UTF-8")]) from error


def _syntax_error(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :]
    # Python 3.13 points at a comma too many, older ones at what comes behind it.
    position = error.pos + len(rest) - len(re.sub(r"^,\s*(?=[}\]])", "", rest))
    return f"{_place(error.doc, position)}: {_explained(error, position)}"


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"line {line}, column {column}"


def _explained(error: json.JSONDecodeError, position: int) -> str:
    """Say what is wrong at this place, with the mistakes that people make first."""
    rest = error.doc[position:]
    before = error.doc[:position].rstrip()
    if not error.doc.strip():
        return "the file is empty; expected at least {}"
    if error.msg.startswith("Invalid \\"):
        return 'a lone backslash; in JSON each backslash is written twice: "F:\\\\llm"'
    if error.msg.startswith("Invalid control character"):
        return "a string goes on over the end of its line; is its closing quote missing?"
    if rest.lstrip()[:2] in ("//", "/*") or rest.lstrip()[:1] == "#":
        return "JSON has no comments; take it out"
    if before.endswith(",") and rest.lstrip()[:1] in ("}", "]"):
        return "a comma before the closing bracket; take it out"
    if rest[:1] == "'":
        return 'expected double quotes ("), got a single one'
    if not rest.strip():
        return "the file ends too early; is a closing bracket or quote missing?"
    return f"{_IN_WORDS.get(error.msg, error.msg.lower())}, got {_first_word(rest)}"


_IN_WORDS = {
    "Expecting ',' delimiter": "expected a comma or a closing bracket",
    "Expecting ':' delimiter": "expected a colon after the key",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Expecting value": "expected a value",
    "Extra data": "expected the end of the file",
    "Unterminated string starting at": "a string without its closing quote",
}


def _first_word(rest: str) -> str:
    return re.split(r"(?<=.)[\s,:\[\]{}]", rest.lstrip(), maxsplit=1)[0][:20]
