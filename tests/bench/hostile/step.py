"""What a client can do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from attrs import frozen


@frozen
class Send:
    """Send all of it."""

    data: bytes


@frozen
class Pause:
    """Do nothing, not even read."""

    seconds: float


@frozen
class Wait:
    """Do nothing; if it is answered, or hung up on, that is all it does from then on."""

    seconds: float


@frozen
class HalfClose:
    """Say that nothing more will be sent."""


@frozen
class Listen:
    """Read what comes until the other side closes."""


Step: TypeAlias = Send | Pause | Wait | HalfClose | Listen
Script: TypeAlias = Iterator[Step]
"""One connection from its being made to its end."""
