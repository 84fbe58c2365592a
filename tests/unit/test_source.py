"""The checks of test_implementation_validation find what they are meant to find."""

from __future__ import annotations

import pytest

from tests.support.source import (
    Source,
    catch_alls,
    imported_modules,
    imports,
    lacks_docstring,
    names_used,
    task_starts,
    uses_of,
)


def source(text: str, path: str = "llama_runner/made_up.py") -> Source:
    return Source(path, text)


@pytest.mark.parametrize(
    "text",
    [
        "nursery.start_soon(serve)",
        "self._tasks.start_soon(serve, name='x')",
        "begin = nursery.start_soon",
        "async def f():\n    async with trio.open_nursery(): pass",
        "from trio import open_nursery",
        "from trio import open_nursery as group",
        "async def f():\n    port = await owner.nursery.start(listen)",
        "app.add_background_task(work)",
    ],
)
def test_the_start_of_a_task_is_found(text: str) -> None:
    assert len(task_starts(source(text))) == 1


@pytest.mark.parametrize("text", ["data[: match.start()]", "x = span.start", "import trio"])
def test_what_only_looks_like_the_start_of_a_task_is_not(text: str) -> None:
    assert task_starts(source(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept: pass",
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept BaseException as error: log(error)",
        "try: f()\nexcept (OSError, Exception): pass",
        "try: f()\nexcept builtins.Exception: pass",
        "try: f()\nexcept* Exception: pass",
        "try: f()\nexcept Exception as error: raise Other from error",
        "with suppress(Exception): f()",
        "with contextlib.suppress(OSError, BaseException): f()",
        "@app.errorhandler(Exception)\nasync def failed(error): pass",
    ],
)
def test_a_catch_all_is_found(text: str) -> None:
    assert len(catch_alls(source(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept OSError: pass",
        "try: f()\nexcept BaseException:\n    clean_up()\n    raise",
        "try: f()\nexcept BaseExceptionGroup: pass",
        "with suppress(OSError): f()",
        "@app.errorhandler(NotFound)\nasync def failed(error: Exception): pass",
    ],
)
def test_catching_something_or_raising_on_is_no_catch_all(text: str) -> None:
    assert catch_alls(source(text)) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import asyncio", "asyncio"),
        ("import asyncio.subprocess", "asyncio"),
        ("from asyncio import run", "asyncio"),
        ("import threading\nthreading.Thread(target=f)", "threading.Thread"),
        ("import threading as t\nt.Thread(target=f)", "threading.Thread"),
        ("from threading import Thread as T", "threading.Thread"),
        ("import time\nwait = time.sleep", "time.sleep"),
        ("import trio\ntrio.lowlevel.spawn_system_task(f)", "trio.lowlevel.spawn_system_task"),
        ("from trio import lowlevel\nlowlevel.spawn_system_task(f)", "trio.lowlevel"),
        ("def f():\n    import subprocess\n    subprocess.Popen([])", "subprocess.Popen"),
        ("if TYPE_CHECKING:\n    from quart import Response", "quart"),
    ],
)
def test_a_use_is_found_under_whatever_name(text: str, name: str) -> None:
    assert uses_of(source(text), name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import trio\nawait_ = trio.sleep", "time.sleep"),
        ("from threading import RLock", "threading.Thread"),
        ("import quart_trio", "quart"),
        ("# asyncio\nx = 'asyncio'", "asyncio"),
        ("time.sleep(1)", "time.sleep"),
    ],
)
def test_another_name_is_no_use(text: str, name: str) -> None:
    assert uses_of(source(text), name) == []


def test_imports_are_told_with_their_lines() -> None:
    text = "import a.b as c\nfrom d import e, f as g"
    assert list(imports(source(text))) == [(1, "a.b"), (2, "d.e"), (2, "d.f")]
    assert (3, "a.b.x.y") in set(names_used(source(text + "\nc.x.y()")))


def test_what_a_module_imports_is_followed_through_its_own_kind() -> None:
    package = [
        source("from p.b import f", "p/a.py"),
        source("from p import c\nimport p.a", "p/b.py"),
        source("import trio", "p/c.py"),
        source("import math", "p/d.py"),
        source("", "p/__init__.py"),
    ]
    reached = imported_modules(package)
    assert "trio" in reached["p.a"] and "trio" in reached["p.b"]
    assert reached["p.d"] == {"math"}


@pytest.mark.parametrize("text", ["", "x = 1", "# a comment", '"""  """'])
def test_a_module_without_a_docstring_is_found(text: str) -> None:
    assert lacks_docstring(source(text))
    assert not lacks_docstring(source('"""What it is."""\n' + text))
