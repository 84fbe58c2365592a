"""What a process has started, by its descendants' own word.

Windows keeps a parent's number in its children even after the parent's end
(https://learn.microsoft.com/windows/win32/api/tlhelp32/ns-tlhelp32-processentry32),
so the children of a dead leader are still found. The number may be an older,
unrelated parent's, though: a child is only believed if it is younger than its parent.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress

import psutil

# Two clocks are compared, one of which ticks every 16 ms.
_TOLERANCE = 0.1


def descendants(leader: int, born: float) -> list[psutil.Process]:
    """Return what ``leader``, started at ``born`` (Unix time), and its children started."""
    children = _children()
    found: list[psutil.Process] = []
    parents = [(leader, born)]
    while parents:
        parent, parent_born = parents.pop()
        for child in children.pop(parent, []):
            with suppress(psutil.Error):
                child_born = child.create_time()
                if child_born >= parent_born - _TOLERANCE:
                    found.append(child)
                    parents.append((child.pid, child_born))
    return found


def _children() -> dict[int, list[psutil.Process]]:
    found: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found[process.ppid()].append(process)
    return found
