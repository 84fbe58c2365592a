"""Reads a request's JSON as Go's decoder does, which Ollama's clients count on.

Whatever the content type, the first value counts and what follows it does not. The
names of fields may be in any letter case, unknown ones are passed over, the last of
several wins, and ``null`` is as if absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeAlias

import orjson
from attrs import frozen

from llama_runner.errors import BadRequest
from llama_runner.wire.body import Body

_KINDS: Mapping[type, str] = {
    **{bool: "bool", int: "number", float: "number"},
    **{str: "string", list: "array", dict: "object"},
}
_GO_TYPES: Mapping[str, str] = {
    "string": "string",
    "bool": "bool",
    "object": "map[string]interface {}",
    "number": "int",
}
"""The kind of JSON value that goes into a field, with Go's name for the field's type."""
ANY = "any"
"""The kind of a field that whoever reads it checks."""

_WHERE: Mapping[str, str] = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": (
        "looking for beginning of object key string"
    ),
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting ',' delimiter": "after array element or object key:value pair",
    "Expecting ':' delimiter": "after object key",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
    "Invalid \\uXXXX escape": r"in \u hexadecimal character escape",
}


@frozen
class ListOf:
    """The kind of a field that holds a list, all of whose values are of one kind."""

    kind: Kind


@frozen
class Struct:
    """An object as Go declares it: the kind of every field that is looked at.

    ``type`` is what Go calls it, with its package if it is part of another.
    """

    type: str
    kinds: Mapping[str, Kind]

    def read(self, body: Body) -> dict[str, Any]:
        """Return the fields that are there, by the name they are declared with.

        Raises:
            BadRequest: in Go's words.

        """
        value = first_value(bytes(body))
        if value is None:
            return {}
        if not isinstance(value, dict):
            message = f"json: cannot unmarshal {kind_of(value)} into Go value of type api."
            raise BadRequest(message + self.type)
        return self.fields(value, self.type)

    def fields(self, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Return the fields that are there of an object that stands at ``path``."""
        given = {name.lower(): each for name, each in value.items() if each is not None}
        return {
            name: _read(kind, given[name.lower()], f"{path}.{name}")
            for name, kind in self.kinds.items()
            if name.lower() in given
        }


Kind: TypeAlias = "str | ListOf | Struct"


def _read(kind: Kind, value: Any, path: str) -> Any:
    """Return a value without what is not looked at; an element of a list that is null is not."""
    if isinstance(kind, Struct) and isinstance(value, dict):
        return kind.fields(value, path)
    if isinstance(kind, ListOf) and isinstance(value, list):
        return [_read(kind.kind, each, path) for each in value if each is not None]
    found = kind_of(value)
    if kind == "number" and isinstance(value, float):
        found = f"number {value}"  # which is no whole one
    if kind not in (ANY, found):
        wanted = _go_type(kind)
        message = f"json: cannot unmarshal {found} into Go struct field {path} of type {wanted}"
        raise BadRequest(message)
    return value


def _go_type(kind: Kind) -> str:
    if isinstance(kind, ListOf):
        return f"[]{_go_type(kind.kind)}"
    return kind.type if isinstance(kind, Struct) else _GO_TYPES[kind]


def kind_of(value: Any) -> str:
    """Return what Go calls this kind of JSON value."""
    return _KINDS.get(type(value), "null")


def first_value(body: bytes) -> Any:
    """Return the first JSON value of a body.

    Raises:
        BadRequest: there is none, in Go's words.

    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    text = body.decode(errors="replace").lstrip("\t\n\r ")
    if not text:
        raise BadRequest("missing request body")
    try:
        end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(text)[1]
        return orjson.loads(text[:end])
    except orjson.JSONDecodeError:
        raise BadRequest("invalid character in string literal") from None  # half a surrogate
    except json.JSONDecodeError as error:
        raise BadRequest(_worded(error)) from None
    except RecursionError:
        raise BadRequest("exceeded max depth") from None


def _no_constant(name: str) -> NoReturn:
    """Refuse the constants that Python reads and JSON does not know."""
    raise json.JSONDecodeError("Expecting value", name, 0)


def _worded(error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip()):
        return "unexpected EOF"
    where = _WHERE.get(error.msg.removesuffix(":"), "looking for beginning of value")
    letter = error.doc[error.pos]
    return f"invalid character {letter!r} {where}"
