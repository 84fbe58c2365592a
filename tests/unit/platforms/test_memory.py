from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from llama_runner.platforms.memory import ALLOCATIONS, look_for_garbage_seldom


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_exists_is_looked_through_no_more() -> None:
    look_for_garbage_seldom()
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold()[0] == ALLOCATIONS


def test_garbage_that_refers_to_itself_is_still_found() -> None:
    look_for_garbage_seldom()
    circle: list[object] = []
    circle.append(circle)
    del circle
    assert gc.collect() >= 1
