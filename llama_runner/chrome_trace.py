"""The trails of loads as a trace that Chrome's and Perfetto's viewers show.

The format is that of "Trace Event Format" (Duffy, Sinclair and others, Google, 2016): complete
events ("X") with microseconds, instant events ("i"), counters ("C"), and metadata ("M") for names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PROCESS = 1


def chrome_trace(trails: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a trace of trails as ``/api/timeline`` tells them: one row for each model."""
    rows: dict[str, int] = {}
    events: list[dict[str, Any]] = []
    for trail in trails:
        row = rows.setdefault(trail["model"], len(rows) + 1)
        events += _events(trail, {"pid": PROCESS, "tid": row})
    names = [
        {"ph": "M", "name": "thread_name", "pid": PROCESS, "tid": row, "args": {"name": model}}
        for model, row in rows.items()
    ]
    return {"traceEvents": [*names, *events], "displayTimeUnit": "ms"}


def _events(trail: Mapping[str, Any], where: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    about = {name: trail[name] for name in ("client", "requests", "outcome")}
    whole = _complete(f"load of {trail['model']}", trail["began"], trail["seconds"])
    yield {**whole, **where, "args": about}
    for step in trail["steps"]:
        args = {"about": step["about"]} if step["about"] else {}
        yield {**_complete(step["name"], step["began"], step["seconds"]), **where, "args": args}
    for at, share in trail["progress"]:
        counted = {"ph": "C", "name": f"loaded, {trail['model']}", "ts": _micro(at)}
        yield {**counted, **where, "args": {"percent": round(100 * share, 1)}}


def _complete(name: str, began: float, seconds: float) -> dict[str, Any]:
    return {"ph": "X", "cat": "load", "name": name, "ts": _micro(began), "dur": _micro(seconds)}


def _micro(seconds: float) -> int:
    return round(1e6 * seconds)
