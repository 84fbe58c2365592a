"""Points in time as Go writes them: RFC 3339 with up to nine digits of a second."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache

NANOSECONDS = 1_000_000_000
_LATEST = 253_370_764_800
"""Seconds since 1970; the year 9999, a day early for every time zone's sake."""

FOREVER = 2**63 // NANOSECONDS
"""Seconds; some 292 years, the longest stay that a Go duration can hold."""


def local_time(nanoseconds: int, zone: tzinfo | None = None) -> str:
    """Return a time since 1970 with the offset of ``zone``, this machine's unless given."""
    seconds, rest = divmod(min(max(nanoseconds, 0), _LATEST * NANOSECONDS), NANOSECONDS)
    # The system's own zone rules may not reach as far as UTC does.
    moment = datetime.fromtimestamp(seconds, UTC)
    try:
        moment = moment.astimezone(zone)
    except (OSError, OverflowError):
        pass
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{_offset(moment)}"


def utc_time(nanoseconds: int) -> str:
    """Return a time since 1970 in UTC."""
    seconds, rest = divmod(max(nanoseconds, 0), NANOSECONDS)
    second = _utc_second(seconds)
    return second[:-1] + f".{rest:09d}".rstrip("0") + "Z" if rest else second


@lru_cache(maxsize=2)
def _utc_second(seconds: int) -> str:
    """Return a whole second; every line of an answer asks for the present one."""
    return local_time(seconds * NANOSECONDS, UTC)


def _offset(moment: datetime) -> str:
    ahead = moment.utcoffset()
    minutes = int(ahead.total_seconds() // 60) if ahead else 0
    if not minutes:
        return "Z"
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
