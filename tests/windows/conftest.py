"""These tests are collected where there is a Windows, real or Wine's."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]


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
