"""Reads the program's own source, for what the architecture promises about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from attrs import field, frozen

ROOT = Path(__file__).resolve().parents[2]

CATCHES_ALL = frozenset({"Exception", "BaseException"})
# A handler may also be named by a call, as with Quart and contextlib.
_CATCHING_CALLS = frozenset({"errorhandler", "register_error_handler", "suppress"})
_STARTERS = frozenset({"start_soon", "open_nursery", "add_background_task"})


@frozen(slots=False)
class Source:
    """One file, by its path from the root, with slashes."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """The dotted name by which it is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())


def sources(*places: str) -> list[Source]:
    """Return every Python file under these folders, and these files themselves."""
    found = [ROOT / place for place in places if place.endswith(".py")]
    for place in places:
        found += sorted((ROOT / place).rglob("*.py"))
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in found
    ]


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the line and the dotted name of everything that is imported."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def names_used(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the line and the full dotted name of whatever is used of an imported module."""
    yield from imports(source)
    local = _local_names(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = _dotted(node).partition(".")
            if first in local:
                yield node.lineno, local[first] + dot + rest


def uses_of(source: Source, name: str) -> list[str]:
    """Say where a module, or something in it, is used."""
    lines = {line for line, used in names_used(source) if f"{used}.".startswith(f"{name}.")}
    return [f"{source.path}:{line}: {name}" for line in sorted(lines)]


def task_starts(source: Source) -> list[str]:
    """Say where tasks are started, or a nursery is opened for them."""
    lines: set[int] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _STARTERS:
            lines.add(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "trio":
            lines |= {node.lineno for alias in node.names if alias.name == "open_nursery"}
        elif isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            # re.Match has a start() as well, but nobody awaits that one.
            called = node.value.func
            if isinstance(called, ast.Attribute) and called.attr == "start":
                lines.add(node.lineno)
    return [f"{source.path}:{line}: starts tasks" for line in sorted(lines)]


def catch_alls(source: Source) -> list[str]:
    """Say where every error is caught, bugs included.

    Cleaning up and raising on is not catching.
    """
    lines: set[int] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            last = node.body[-1]
            raises_on = isinstance(last, ast.Raise) and last.exc is None
            if not raises_on and (node.type is None or _names(node.type) & CATCHES_ALL):
                lines.add(node.lineno)
        elif isinstance(node, ast.Call) and _dotted(node.func).split(".")[-1] in _CATCHING_CALLS:
            if any(_names(argument) & CATCHES_ALL for argument in node.args):
                lines.add(node.lineno)
    return [f"{source.path}:{line}: catches everything" for line in sorted(lines)]


def lacks_docstring(source: Source) -> bool:
    """Tell whether the module does not say what it is."""
    return not (ast.get_docstring(source.tree) or "").strip()


def imported_modules(package: list[Source]) -> Mapping[str, frozenset[str]]:
    """Return, for each module, all that it imports, directly and through others of these."""
    own = {source.module for source in package}
    direct = {source.module: {name for _, name in imports(source)} for source in package}
    return {module: frozenset(_reached(module, direct, own)) for module in own}


def _reached(module: str, direct: Mapping[str, set[str]], own: set[str]) -> set[str]:
    reached, visited, ahead = set[str](), {module}, [module]
    while ahead:
        names = direct[ahead.pop()]
        reached |= names
        # "from a.b import c" imports the module a.b.c, or takes c out of the module a.b.
        inner = (names | {name.rpartition(".")[0] for name in names}) & own - visited
        visited |= inner
        ahead += inner
    return reached


def _local_names(source: Source) -> dict[str, str]:
    """Return what each imported name stands for."""
    local: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                local[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                local[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return local


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _names(node: ast.AST) -> set[str]:
    """Return the last part of each name in an expression."""
    return {
        _dotted(part).split(".")[-1]
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }
