"""The one cattrs converter; strict where cattrs is lenient, and it finds every problem at once."""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Union, get_args, get_origin

import attrs
import cattrs

from llama_runner.config.constraint import Constraint, is_number, is_whole, mismatch, shown
from llama_runner.config.problem import Problem, Refused, Step
from llama_runner.config.setting import Setting, settings_of

Structure = Callable[[Any, Any], Any]


def make_converter() -> cattrs.Converter:
    """Return a converter that refuses what cattrs would quietly bend: ``"false"`` is no bool.

    Structuring raises ``Refused`` with every problem of the whole document.
    """
    converter = cattrs.Converter(forbid_extra_keys=True)
    for plain in (bool, str, int, float):
        converter.register_structure_hook(plain, _structure_plain)
    for accepts, structure in (
        (attrs.has, _structure_class),
        (_is_union, _structure_union),
        (_is_list, _structure_list),
        (_is_mapping, _structure_mapping),
        (is_constrained, _structure_constrained),
    ):
        converter.register_structure_hook_func(accepts, partial(structure, converter))
    return converter


def is_constrained(wanted: Any) -> bool:
    """Tell whether a type carries a constraint."""
    return get_origin(wanted) is Annotated and constraint_of(wanted) is not None


def constraint_of(wanted: Any) -> Constraint | None:
    """Return the constraint that an annotated type carries."""
    carried = getattr(wanted, "__metadata__", ())
    return next((item for item in carried if isinstance(item, Constraint)), None)


def expected_form(wanted: Any) -> str:
    """Say in words what a type wants, to follow "expected"."""
    constraint = constraint_of(wanted)
    if constraint is not None:
        return constraint.expected
    if _is_union(wanted):
        return " or ".join(expected_form(choice) for choice in get_args(wanted))
    if _is_list(wanted):
        return "a list"
    return _PLAIN_FORMS.get(wanted, "an object")


_PLAIN_FORMS: Mapping[Any, str] = {
    bool: "true or false",
    str: "a string",
    int: "an integer",
    float: "a number",
    types.NoneType: "null",
}


def _is_union(wanted: Any) -> bool:
    return get_origin(wanted) in (Union, types.UnionType)


def _is_list(wanted: Any) -> bool:
    return get_origin(wanted) is tuple


def _is_mapping(wanted: Any) -> bool:
    return get_origin(wanted) is Mapping


def _holds_secret(wanted: Any) -> bool:
    """Tell whether a value of this type may contain something that no message may repeat."""
    constraint = constraint_of(wanted)
    if constraint is not None:
        return constraint.secret
    if attrs.has(wanted):
        return any(_holds_secret(setting.type) for setting in settings_of(wanted).values())
    return any(_holds_secret(part) for part in get_args(wanted))


def _refuse(wanted: Any, value: Any) -> Refused:
    text = mismatch(expected_form(wanted), value, secret=_holds_secret(wanted))
    return Refused([Problem((), text)])


def _structure_plain(value: Any, wanted: type[Any]) -> Any:
    if wanted is int and is_whole(value):
        return int(value)
    if wanted is float and is_number(value):
        return float(value)
    if wanted in (bool, str) and type(value) is wanted:
        return value
    raise _refuse(wanted, value)


def _structure_constrained(converter: cattrs.Converter, value: Any, wanted: Any) -> Any:
    constraint = constraint_of(wanted)
    objection = constraint.objection(value) if constraint else None
    if objection is not None:
        raise Refused([Problem((), objection)])
    base = get_args(wanted)[0]
    return converter.structure(value, base) if base in _PLAIN_FORMS else value


def _structure_union(converter: cattrs.Converter, value: Any, wanted: Any) -> Any:
    if value is None and types.NoneType in get_args(wanted):
        return None
    choices = [choice for choice in get_args(wanted) if choice is not types.NoneType]
    # The unions of our files are "something or null"; a refusal then says both.
    try:
        return converter.structure(value, choices[0])
    except Refused as refusal:
        if any(problem.path for problem in refusal.problems):
            raise
        raise _refuse(wanted, value) from refusal


def _structure_list(converter: cattrs.Converter, value: Any, wanted: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _refuse(wanted, value)
    item = get_args(wanted)[0]
    parts = _Parts()
    for index, part in enumerate(value):
        parts.take(index, partial(converter.structure, part, item))
    return tuple(parts.finished().values())


def _structure_mapping(converter: cattrs.Converter, value: Any, wanted: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refuse(wanted, value)
    key, item = get_args(wanted)
    parts = _Parts()
    for name, part in value.items():
        parts.take(name, partial(_structure_entry, converter, (name, key), (part, item)))
    return parts.finished()


def _structure_entry(
    converter: cattrs.Converter, key: tuple[str, Any], item: tuple[Any, Any]
) -> Any:
    converter.structure(*key)
    return converter.structure(*item)


def _structure_class(
    converter: cattrs.Converter, value: Any, wanted: type[Any], base: Any = None
) -> Any:
    """Structure an attrs class; what is missing comes from ``base``, else from its defaults."""
    if not isinstance(value, dict):
        raise _refuse(wanted, value)
    settings = settings_of(wanted)
    parts = _Parts()
    for name in value:
        if name not in settings:
            parts.problems.append(Problem((name,), _unknown(name, settings)))
    for name, setting in settings.items():
        if name in value:
            parts.take(name, partial(_structure_setting, converter, value[name], setting, base))
        elif base is None and setting.required:
            expected = expected_form(setting.type)
            parts.problems.append(Problem((name,), f"expected {expected}, but it is missing"))
    given = parts.finished()
    return wanted(**given) if base is None else attrs.evolve(base, **given)


def _structure_setting(converter: cattrs.Converter, value: Any, setting: Setting, base: Any) -> Any:
    if not attrs.has(setting.type):
        return converter.structure(value, setting.type)
    # A part that is given in part keeps the rest of *its* default: Ollama's
    # listener without a port is on 11434, the dashboard's on 8035.
    default = setting.default if base is None else getattr(base, setting.name)
    inner = None if default is attrs.NOTHING else default
    return _structure_class(converter, value, setting.type, inner)


def _unknown(name: str, settings: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(name.lower(), settings, n=1)
    if close:
        return f'unknown key; did you mean "{close[0]}"?'
    return "unknown key; the keys here are " + ", ".join(shown(known) for known in settings)


@attrs.define
class _Parts:
    """The parts of one object or list, with the problems of all of them."""

    problems: list[Problem] = attrs.field(factory=list)
    _values: dict[Any, Any] = attrs.field(factory=dict)

    def take(self, step: Step, structure: Callable[[], Any]) -> None:
        """Keep one part, or its problems."""
        try:
            self._values[step] = structure()
        except Refused as refusal:
            self.problems.extend(problem.under(step) for problem in refusal.problems)

    def finished(self) -> dict[Any, Any]:
        """Return all parts; raise Refused when any had a problem."""
        if self.problems:
            raise Refused(self.problems)
        return self._values
