"""The architecture's promises, as assertions over the source and the documents."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args, get_origin

import attrs
import pytest
from quart_trio import QuartTrio

from llama_runner import errors
from llama_runner.cli import COMMANDS, OPTIONS
from llama_runner.config.app import AppConfig
from llama_runner.config.models import ModelsConfig
from llama_runner.config.setting import settings_of
from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.openai.errors import to_openai
from llama_runner.proxy_manager import FACADES, Facade
from tests.__main__ import LAYERS
from tests.support.promises import (
    BANNED,
    FAULT_BOUNDARIES,
    NOT_PURE,
    ONLY_IN,
    PURE,
    TASK_OWNERS,
)
from tests.support.source import (
    ROOT,
    catch_alls,
    imported_modules,
    lacks_docstring,
    sources,
    task_starts,
    uses_of,
)

PACKAGE = sources("llama_runner")
USAGE = (ROOT / "docs" / "USAGE.md").read_text(encoding="utf-8")
MAX_LINES = 299


def lint_imports(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LAYERS, "--no-cache", "--no-logo", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_every_import_keeps_to_the_layers() -> None:
    linted = lint_imports()
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_an_import_against_the_layers_would_be_noticed(tmp_path: Path) -> None:
    config = tmp_path / "upside_down.toml"
    config.write_text(
        '[tool.importlinter]\nroot_package = "llama_runner"\n'
        '[[tool.importlinter.contracts]]\nname = "upside down"\ntype = "layers"\n'
        'layers = ["llama_runner.errors", "llama_runner.config_loader"]\n'
    )
    linted = lint_imports("--config", str(config))
    assert linted.returncode == 1 and "BROKEN" in linted.stdout


def test_every_part_of_the_package_has_its_layer() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {
        name.strip(" ()").split(".")[1] for layer in layers for name in re.split("[|:]", layer)
    }
    parts = {source.module.split(".")[1] for source in PACKAGE if "." in source.module}
    assert parts - placed == set()


def test_tasks_are_started_only_by_their_owners() -> None:
    found = [start for source in PACKAGE for start in task_starts(source)]
    assert _elsewhere(found, TASK_OWNERS) == []
    assert _idle(found, TASK_OWNERS) == []


def test_everything_is_caught_only_at_the_fault_boundaries() -> None:
    found = [catch for source in PACKAGE for catch in catch_alls(source)]
    assert _elsewhere(found, FAULT_BOUNDARIES) == []
    assert _idle(found, FAULT_BOUNDARIES) == []


def _elsewhere(found: list[str], allowed: Mapping[str, str]) -> list[str]:
    return [line for line in found if line.partition(":")[0] not in allowed]


def _idle(found: list[str], allowed: Mapping[str, str]) -> list[str]:
    """Return what is allowed to somebody who does not do it any more."""
    return sorted(set(allowed) - {line.partition(":")[0] for line in found})


@pytest.mark.parametrize("name", BANNED)
def test_what_is_banned_is_not_used(name: str) -> None:
    assert [use for source in PACKAGE for use in uses_of(source, name)] == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_where_it_belongs(library: str) -> None:
    uses = {source.path: uses_of(source, library) for source in PACKAGE}
    places = ONLY_IN[library]
    assert [
        use for path, found in uses.items() for use in found if not path.startswith(places)
    ] == []
    unused = [place for place in places if not _any_under(uses, place)]
    assert unused == [], "places where it is not used any more"


def _any_under(uses: Mapping[str, list[str]], place: str) -> bool:
    return any(found for path, found in uses.items() if path.startswith(place))


@pytest.mark.parametrize("part", PURE)
def test_what_decides_is_pure(part: str) -> None:
    name = f"llama_runner.{part}"
    reached = imported_modules(PACKAGE)
    modules = [module for module in reached if f"{module}.".startswith(f"{name}.")]
    assert modules, "there is no such module any more"
    for module in modules:
        assert {used.partition(".")[0] for used in reached[module]} & NOT_PURE == set(), module


def test_every_file_is_short() -> None:
    every = sources("llama_runner", "tests", "main.py")
    assert len(every) > len(PACKAGE)
    long = [f"{source.path}: {source.lines} lines" for source in every if source.lines > MAX_LINES]
    assert long == []


def test_every_module_says_what_it_is() -> None:
    assert [source.path for source in PACKAGE if lacks_docstring(source)] == []


@pytest.mark.parametrize("name", [*(c.name for c in COMMANDS), *(o.flag for o in OPTIONS)])
def test_every_command_and_flag_is_documented(name: str) -> None:
    assert re.search(rf"^\| `{name}[` ]", USAGE, re.MULTILINE)


@pytest.mark.parametrize("cls", [AppConfig, ModelsConfig])
def test_every_configuration_key_is_documented(cls: type[Any]) -> None:
    keys = list(_keys(cls, ""))
    assert len(keys) > 5
    assert [key for key in keys if f"| `{key}` |" not in USAGE] == []


def _keys(cls: type[Any], prefix: str) -> Iterator[str]:
    for name, setting in settings_of(cls).items():
        yield prefix + name
        inner, joint = setting.type, "."
        if get_origin(inner) is tuple:
            inner, joint = get_args(inner)[0], "[]."
        elif get_origin(inner) is Mapping:
            inner, joint = get_args(inner)[1], ".KEY."
        if attrs.has(inner):
            yield from _keys(inner, prefix + name + joint)


@pytest.mark.parametrize("name", FACADES)
def test_every_route_is_documented_and_every_documented_route_exists(name: str) -> None:
    section = USAGE.partition("\n## Routes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z]+ /\S*)` \| ([\w, ]+) \|", section, re.MULTILINE)
    documented = {route for route, listeners in rows if name in listeners.split(", ")}
    assert documented == _routes(FACADES[name])


def _routes(facade: Facade) -> set[str]:
    nothing = cast("Dependencies", SimpleNamespace())
    app = cast("QuartTrio", facade.build_app(nothing))
    found = {f"POST {route.path}" for route in facade.relay_routes}
    found |= {f"POST {prefix}DIGEST" for prefix in facade.build_uploads(nothing)}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: match[1].upper(), rule.rule)
        methods = {"WS"} if rule.websocket else (rule.methods or set()) - {"OPTIONS"}
        methods -= {"HEAD"} if "GET" in methods else set()
        found |= {f"{method} {path}" for method in methods}
    return found


def _is_group(parent: type, child: type) -> bool:
    return parent in child.__bases__ and child.__module__ == errors.__name__


def _error_classes() -> Iterator[type[LlamaRunnerError]]:
    """Yield our error classes, wherever in the package they are."""
    for source in PACKAGE:
        names = [node.name for node in source.tree.body if isinstance(node, ast.ClassDef)]
        # Some of the others can only be imported on the system that they are for.
        if source.module == errors.__name__ or "llama_runner.errors" in source.text:
            module = importlib.import_module(source.module)
            for cls in (getattr(module, name) for name in names):
                if issubclass(cls, LlamaRunnerError):
                    yield cls


ERRORS = set(_error_classes())
# Never raised themselves; a handler may catch them.
GROUPS = {parent for parent in ERRORS for cls in ERRORS if _is_group(parent, cls)}
# They end a command; no client is there to read them.
# Told on the command line, or turned into another error before a client sees it.
UNSEEN = {"ConfigError", "PortTaken", "NotReached", "Refused", "FramingError"}
SEEN = sorted(
    (cls for cls in ERRORS - GROUPS if cls.__name__ not in UNSEEN), key=lambda cls: cls.__name__
)


def test_every_error_is_drawn_in_the_tree() -> None:
    assert _drawn(errors.__doc__ or "") == {
        cls.__name__: cls.__bases__[0].__name__ for cls in ERRORS - {LlamaRunnerError}
    }


def _drawn(text: str) -> dict[str, str]:
    """Return the parent of each class in a tree of lines."""
    parents: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in text.splitlines():
        match = re.match(r"( +[│├└─ ]*)([A-Z]\w+)(?:  |$)", line)
        if match is None:
            continue
        depth = (len(match[1]) - 4) // 4
        above[depth] = match[2]
        if depth:
            parents[match[2]] = above[depth - 1]
    return parents


def test_a_drawn_tree_is_read_as_it_looks() -> None:
    text = "    Aa\n    ├── Bb   x\n    │   └── Cc   y\n    └── Dd   z\n\nNot part of it.\n"
    assert _drawn(text) == {"Bb": "Aa", "Cc": "Bb", "Dd": "Aa"}


@pytest.mark.parametrize("cls", SEEN)
def test_every_error_that_a_client_can_see_is_worded(cls: type[LlamaRunnerError]) -> None:
    worded = to_openai(_made(cls))
    assert worded.code != "internal_error"
    assert worded.status >= 400 and "what happened" in worded.message


def test_an_error_without_words_would_be_noticed() -> None:
    assert to_openai(LlamaRunnerError("x")).code == "internal_error"


def _made(cls: type[LlamaRunnerError]) -> LlamaRunnerError:
    needed = [
        parameter
        for parameter in inspect.signature(cls.__init__).parameters.values()
        if parameter.default is parameter.empty and parameter.name not in ("self", "args", "kwargs")
    ]
    named = {
        parameter.name: 400 for parameter in needed if parameter.kind is parameter.KEYWORD_ONLY
    }
    return cls(*("what happened" for _ in needed[len(named) :] or "x"), **named)


def test_nobody_raises_a_group_of_errors() -> None:
    names = {cls.__name__ for cls in GROUPS}
    raised = [
        f"{source.path}:{node.lineno}"
        for source in PACKAGE
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id in names
    ]
    assert raised == []
