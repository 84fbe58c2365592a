"""What an exit code alone tells: signals on POSIX, NTSTATUS values on Windows."""

from __future__ import annotations

import signal
from enum import Enum, auto

from attrs import frozen


class ExitKind(Enum):
    """The sort of end an exit code speaks of."""

    PLAIN = auto()
    KILLED = auto()
    CRASHED = auto()
    OUT_OF_MEMORY = auto()
    MISSING_LIBRARY = auto()


@frozen
class ExitMeaning:
    """An exit code in words."""

    kind: ExitKind
    text: str


# The numbers of [MS-ERREF] 2.3.1, "NTSTATUS values". They are what
# GetExitCodeProcess gives for a process ended by an unhandled exception.
_NTSTATUS = {
    0xC0000005: (ExitKind.CRASHED, "it crashed (access violation)"),
    0xC0000017: (ExitKind.OUT_OF_MEMORY, "not enough memory to run it"),
    0xC000001D: (ExitKind.CRASHED, "it uses processor instructions that this machine lacks"),
    0xC00000FD: (ExitKind.CRASHED, "it crashed (stack overflow)"),
    0xC000012D: (ExitKind.OUT_OF_MEMORY, "not enough memory: the page file is full"),
    0xC0000135: (ExitKind.MISSING_LIBRARY, "a DLL that it needs is missing"),
    0xC0000138: (ExitKind.MISSING_LIBRARY, "one of its DLLs is the wrong version"),
    0xC0000139: (ExitKind.MISSING_LIBRARY, "one of its DLLs is the wrong version"),
    0xC000013A: (ExitKind.KILLED, "it was ended from its console"),
    0xC0000142: (ExitKind.MISSING_LIBRARY, "one of its DLLs could not start"),
    0xC0000374: (ExitKind.CRASHED, "it crashed (heap corruption)"),
    0xC0000409: (ExitKind.CRASHED, "it crashed (aborted)"),
}


def explain_exit(code: int) -> ExitMeaning:
    """Put an exit code, as Python's subprocess gives it, into words."""
    if code < 0:
        return _explain_signal(-code)
    if code in _NTSTATUS:
        return ExitMeaning(*_NTSTATUS[code])
    if code >= 0xC0000000:
        return ExitMeaning(ExitKind.CRASHED, f"it crashed (0x{code:08X})")
    return ExitMeaning(ExitKind.PLAIN, f"it ended with exit code {code}")


def _explain_signal(number: int) -> ExitMeaning:
    match number:
        case 9:
            # The kernel's killer of last resort and a person's kill -9 look alike.
            text = "it was killed, by a person or by the system for want of memory"
            return ExitMeaning(ExitKind.KILLED, text)
        case 1 | 2 | 3 | 15:
            return ExitMeaning(ExitKind.KILLED, f"it was ended from outside ({_name(number)})")
        case 4:
            text = "it uses processor instructions that this machine lacks"
            return ExitMeaning(ExitKind.CRASHED, text)
        case _:
            return ExitMeaning(ExitKind.CRASHED, f"it crashed ({_name(number)})")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
