"""The watcher at the other end of the lifeline: ends what we started when we cannot.

A program of its own, run by path as ``python -I -S lifeline_watcher.py`` so that it
stays small: standard library, and little of that. Its stdin is the lifeline. It
hears, one to a line:

    expect ID MARK         a child is about to be started, with MARK in its environment
    born ID PID START      it was, as the leader of a session; START as in /proc/PID/stat
    gone ID                nothing of it is left

When the lifeline breaks, it kills what has not gone, until several looks in a row
find nothing. A child is expected before it is started, and the kernel lets nobody
between fork and exec drop the lifeline before exec: so at its end every child has
its environment, and none is missed, told or untold.

Where there is no /proc only the groups of the children that were told are killed.
"""

from __future__ import annotations

# The module of that name without its enumerations, which would cost a megabyte.
import _signal as signal  # type: ignore[import-not-found]
import os
import select
import sys
import time

# On Windows the job object does this.
assert sys.platform != "win32"  # noqa: S101 - for mypy --platform

LOOK_EVERY = 0.02
# A process that has just been executed shows its environment an instant later.
CLEAN_LOOKS = 10
GIVE_UP_AFTER = 30.0

_DEAD = ("Z", "X")


class Launches:
    """What was told and has not gone: the marks and the leaders of launches, by ID."""

    def __init__(self) -> None:
        self.marks: dict[str, bytes] = {}
        self.leaders: dict[str, tuple[int, int]] = {}

    def hear(self, line: str) -> None:
        """Take note of one line."""
        word, _, rest = line.partition(" ")
        launch, _, more = rest.partition(" ")
        if word == "expect":
            self.marks[launch] = more.encode()
        elif word == "born":
            pid, start = more.split()
            self.leaders[launch] = int(pid), int(start)
        elif word == "gone":
            self.marks.pop(launch, None)
            self.leaders.pop(launch, None)


class Look:
    """One look at all processes: state, group, session and start of each."""

    def __init__(self) -> None:
        self.alive: dict[int, tuple[int, int, int]] = {}
        for pid in pids():
            found = stat(pid)
            if found is not None:
                self.alive[pid] = found

    def members(self, leader: int, start: int) -> set[int]:
        """Return who is in the group or the session of this leader, dead or alive."""
        now = self.alive.get(leader)
        if now is not None and now[2] != start:
            # The leader has ended, and so has its group: its number is another's.
            return set()
        return {
            pid
            for pid, (group, session, born) in self.alive.items()
            if leader in (group, session) and born >= start
        }

    def bearers(self, marks: set[bytes]) -> set[int]:
        """Return who has one of these marks in its environment."""
        return {pid for pid in self.alive if bears(pid, marks)}


def pids() -> list[int]:
    """Return the numbers of all processes; none where there is no /proc."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    return [int(name) for name in names if name.isdecimal()]


def stat(pid: int) -> tuple[int, int, int] | None:
    """Return group, session and start of a process that runs, as proc(5) tells them."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().decode(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in _DEAD:
        return None
    return int(fields[2]), int(fields[3]), int(fields[19])


def bears(pid: int, marks: set[bytes]) -> bool:
    """Report whether one of these marks is in the environment of a process."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return not marks.isdisjoint(file.read().split(b"\0"))
    except OSError:
        return False


def kill_all(launches: Launches) -> None:
    """Kill every process of these launches, until nothing of them has been seen for a while."""
    marks = set(filter(None, launches.marks.values()))
    leaders = list(launches.leaders.values())
    clean, give_up = 0, time.monotonic() + GIVE_UP_AFTER
    while clean < CLEAN_LOOKS and time.monotonic() < give_up:
        look = Look()
        members = {pid for leader in leaders for pid in look.members(*leader)}
        if not look.alive:
            kill_groups(leaders)
        kill(members)
        # Read after the kill: a process that is busy with its memory makes us wait here.
        bearers = look.bearers(marks) - members
        kill(bearers)
        clean = 0 if members or bearers else clean + 1
        select.select((), (), (), LOOK_EVERY)


def kill(found: set[int]) -> None:
    """Kill these processes, those that are gone included."""
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def kill_groups(leaders: list[tuple[int, int]]) -> None:
    """Kill the groups of these leaders, all that can be told without /proc."""
    for leader, _ in leaders:
        try:
            os.killpg(leader, signal.SIGKILL)
        except OSError:
            continue


def main() -> None:
    """Listen until the lifeline breaks, then see that nothing is left."""
    # Whatever is meant for us all is not for the one that sees to the end of it.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    launches = Launches()
    for line in sys.stdin:
        launches.hear(line.rstrip("\n"))
    if launches.marks:
        kill_all(launches)


if __name__ == "__main__":
    main()
