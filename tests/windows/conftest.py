"""These tests are collected where there is a Windows, real or Wine's."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

SHIPPED_ENGINE = Path(r"F:\llm\llama\llama-server.exe")
collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]


@pytest.fixture(scope="session")
def shipped_engine() -> Path:
    """Return the engine that the shipped configuration names; our Wine always has it."""
    if not SHIPPED_ENGINE.is_file():
        pytest.skip(f"{SHIPPED_ENGINE} is not on this machine")
    return SHIPPED_ENGINE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the embedded engine out where its library does not load, as under Wine."""
    if sys.platform != "win32" or _loads("xllamacpp"):
        return
    left_out = [item for item in items if item.path.parent.name == "end_to_end"]
    left_out = [item for item in left_out if "embedded]" in item.name or "stand_in" in item.name]
    left_out += [item for item in items if "[embedded-" in item.name]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _loads(library: str) -> bool:
    try:
        import_module(library)
    except ImportError:
        return False
    return True
