"""Ends what earlier runs left behind.

Neither the lifeline nor the job object should leave anything, but either may have
been ended too. A process is one of ours only if number, start and executable are as
written down, or if it bears a mark that was; its name proves nothing.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from llama_runner.platforms.process import TOLERANCE, lives
from llama_runner.runner.journal import Entry, Record, folder_in, read_record
from llama_runner.runner.mark import bearers, bears
from llama_runner.runner.process_tree import descendants

logger = logging.getLogger(__name__)

GONE_WITHIN = 3.0
# What is killed may have started something an instant before.
LOOKS = 3


def end_strays(state: Path) -> None:
    """End the strays of programs that used this state folder and are gone; tell of them.

    Takes time: call it in a thread.
    """
    for path in sorted(folder_in(state).glob("*.json")):
        try:
            record = read_record(path)
        except OSError as error:
            logger.warning("%s cannot be read: %s", path, error)
            continue
        except ValueError as error:
            logger.warning("%s is damaged and was removed: %s", path, error)
            record = None
        if record is None or _ended(record):
            _remove(path)


def _ended(record: Record) -> bool:
    """End what a program left; report whether that is done with."""
    if lives(record.owner, record.started):
        return False
    return all([_end(entry) for entry in record.entries])


def _end(entry: Entry) -> bool:
    for _ in range(LOOKS):
        found = family(entry)
        if not found:
            return True
        _kill(found)
        told = ", ".join(map(str, sorted(process.pid for process in found)))
        _, left = psutil.wait_procs(found, GONE_WITHIN)
        if any(map(_runs, left)):
            logger.error(
                "an earlier run left %s (process %s), which does not die", entry.name, told
            )
            return False
        logger.warning("an earlier run left %s (process %s); it was ended", entry.name, told)
    return True


def family(entry: Entry) -> list[psutil.Process]:
    """Return what runs of the process that was written down, and of what it started."""
    found = {process.pid: process for process in bearers(entry.mark)}
    if _is_free_or_its_own(entry):
        for process in _started_by(entry):
            found.setdefault(process.pid, process)
    return [process for process in found.values() if _runs(process)]


def _is_free_or_its_own(entry: Entry) -> bool:
    """Report whether its number still stands for it: then so does its session."""
    try:
        process = psutil.Process(entry.pid)
        same = abs(process.create_time() - entry.started) < TOLERANCE
        if not same or not _runs(process):
            return same
        # A wrapper script becomes the engine: then the mark tells.
        return process.exe() == entry.executable or bears(process, entry.mark)
    except psutil.NoSuchProcess:
        return entry.started > 0
    except (psutil.Error, OSError):
        return False


def _started_by(entry: Entry) -> Iterable[psutil.Process]:
    """Return the process itself, and what stayed with it."""
    if sys.platform == "win32":
        yield from _itself(entry)
        yield from descendants(entry.pid, entry.started)
    else:
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                younger = process.create_time() > entry.started - TOLERANCE
                if younger and os.getsid(process.pid) == entry.pid:
                    yield process


def _itself(entry: Entry) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [psutil.Process(entry.pid)]
    return []


def _kill(found: list[psutil.Process]) -> None:
    for process in found:
        # A number that was given away meanwhile is refused: psutil knows the start time.
        with suppress(psutil.Error):
            process.kill()


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s cannot be removed: %s", path, error)
