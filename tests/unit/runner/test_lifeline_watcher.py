from __future__ import annotations

import sys
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("there, the job object does it", allow_module_level=True)
assert sys.platform != "win32"  # for mypy --platform

from llama_runner.runner import lifeline_watcher  # noqa: E402 - not there on win32
from llama_runner.runner.lifeline_watcher import (  # noqa: E402 - not there on win32
    Launches,
    Look,
    kill_all,
)


def heard(*lines: str) -> Launches:
    launches = Launches()
    for line in lines:
        launches.hear(line)
    return launches


def test_a_launch_is_known_from_its_announcement_until_it_has_gone():
    launches = heard("expect 1 KEY=a b", "expect 2 KEY=c", "born 2 77 1234", "expect 3 ")

    assert launches.marks == {"1": b"KEY=a b", "2": b"KEY=c", "3": b""}
    assert launches.leaders == {"2": (77, 1234)}

    for number in (1, 2, 3):
        launches.hear(f"gone {number}")

    assert not launches.marks
    assert not launches.leaders


def test_what_it_does_not_understand_it_passes_over():
    assert heard("", "sing 1 2", "gone 9").marks == {}


class Machine:
    """A machine with these processes: group, session and start of each, and its environment."""

    def __init__(self, processes: dict[int, tuple[int, int, int]], **marks: list[int]) -> None:
        self.processes = processes
        self.marks = {name.encode(): set(pids) for name, pids in marks.items()}
        self.killed: list[int] = []
        self.looks = 0
        self.later: dict[int, dict[int, tuple[int, int, int]]] = {}

    def pids(self) -> list[int]:
        self.looks += 1
        self.processes |= self.later.pop(self.looks, {})
        return list(self.processes)

    def bears(self, pid: int, marks: set[bytes]) -> bool:
        return any(pid in pids for mark, pids in self.marks.items() if mark in marks)

    def kill(self, found: set[int]) -> None:
        self.killed += sorted(found)
        for pid in found:
            self.processes.pop(pid, None)


@pytest.fixture
def install(monkeypatch) -> Any:
    def install(machine: Machine) -> Machine:
        monkeypatch.setattr(lifeline_watcher, "pids", machine.pids)
        monkeypatch.setattr(lifeline_watcher, "stat", machine.processes.get)
        monkeypatch.setattr(lifeline_watcher, "bears", machine.bears)
        monkeypatch.setattr(lifeline_watcher, "kill", machine.kill)
        monkeypatch.setattr(lifeline_watcher, "LOOK_EVERY", 0)
        return machine

    return install


def test_members_are_the_group_and_the_session_of_the_leader(install):
    install(Machine({10: (10, 10, 5), 11: (10, 10, 6), 12: (12, 10, 6), 20: (20, 20, 6)}))

    assert Look().members(10, 5) == {10, 11, 12}


def test_a_dead_leaders_members_are_still_found(install):
    install(Machine({11: (10, 10, 6), 20: (20, 20, 6)}))

    assert Look().members(10, 5) == {11}


def test_a_number_that_was_given_away_has_no_members(install):
    install(Machine({10: (10, 10, 900), 11: (10, 10, 901)}))

    assert Look().members(10, 5) == set()


def test_members_and_bearers_are_killed_and_nobody_else(install):
    machine = install(Machine({10: (10, 10, 5), 30: (30, 30, 6), 40: (40, 40, 6)}, mark=[10, 30]))

    kill_all(heard("expect 1 mark", "born 1 10 5"))

    assert machine.killed == [10, 30]
    assert set(machine.processes) == {40}


def test_a_child_that_was_never_told_is_found_by_its_mark(install):
    machine = install(Machine({10: (10, 10, 5)}, mark=[10]))

    kill_all(heard("expect 1 mark"))

    assert machine.killed == [10]


def test_it_looks_again_until_nothing_was_seen_for_a_while(install):
    machine = install(Machine({10: (10, 10, 5)}, mark=[10, 31]))
    machine.later = {4: {31: (31, 31, 7)}}

    kill_all(heard("expect 1 mark"))

    assert machine.killed == [10, 31]
    assert machine.looks == 4 + lifeline_watcher.CLEAN_LOOKS


def test_without_a_list_of_processes_the_groups_are_killed(install, monkeypatch):
    groups: list[tuple[int, int]] = []
    monkeypatch.setattr(lifeline_watcher, "kill_groups", groups.extend)
    install(Machine({}))

    kill_all(heard("expect 1 mark", "born 1 10 5"))

    assert set(groups) == {(10, 5)}
