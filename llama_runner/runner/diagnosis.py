"""Why a child ended: from its last lines and its exit code to a sentence for the user."""

from __future__ import annotations

from enum import Enum, auto

from attrs import frozen


class Cause(Enum):
    """What ended a child, as far as it matters for what to do next."""

    STOPPED = auto()
    OUT_OF_MEMORY = auto()
    PORT_TAKEN = auto()
    BAD_MODEL = auto()
    BAD_FLAG = auto()
    MISSING_LIBRARY = auto()
    NO_EXECUTABLE = auto()
    KILLED = auto()
    CRASHED = auto()
    TIMEOUT = auto()
    UNKNOWN = auto()


@frozen
class Diagnosis:
    """One cause, and the sentence that tells the user."""

    cause: Cause
    message: str
