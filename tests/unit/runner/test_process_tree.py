from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest
from attrs import define

from llama_runner.runner.process_tree import descendants


@define
class Entry:
    """A line of a process list."""

    pid: int
    parent: int
    born: float
    gone: bool = False

    def ppid(self) -> int:
        if self.gone:
            raise psutil.NoSuchProcess(self.pid)
        return self.parent

    def create_time(self) -> float:
        return self.born


@pytest.fixture
def machine(monkeypatch) -> Callable[..., None]:
    """Replace the machine's process list."""

    def have(*entries: Entry) -> None:
        monkeypatch.setattr(psutil, "process_iter", lambda: iter(entries))

    return have


def test_children_and_grandchildren_are_found_even_of_a_dead_leader(machine):
    machine(Entry(11, 10, 100.2), Entry(12, 11, 100.3), Entry(13, 1, 100.4))

    assert sorted(process.pid for process in descendants(10, 100.0)) == [11, 12]


def test_an_older_process_is_another_parents_child(machine):
    machine(Entry(11, 10, 50.0), Entry(12, 11, 101.0))

    assert descendants(10, 100.0) == []


def test_a_circle_of_numbers_ends(machine):
    machine(Entry(11, 10, 100.1), Entry(10, 11, 100.2))

    assert len(descendants(10, 100.0)) == 2


def test_who_goes_meanwhile_is_passed_over(machine):
    machine(Entry(11, 10, 100.1, gone=True), Entry(12, 10, 100.1))

    assert [process.pid for process in descendants(10, 100.0)] == [12]
