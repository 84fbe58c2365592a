"""Hands a stream on in whole events, so that one of ours can follow at any time (sans I/O)."""

from __future__ import annotations

from attrs import define, field

_ENDS = (b"\n\n", b"\n\r\n")
# No event is this long: whatever it is, it is handed on as it comes.
_LONGEST_EVENT = 1024 * 1024


@define(eq=False)
class WholeEvents:
    """Holds the beginning of an event back until its end has come."""

    _held: bytes = field(default=b"", init=False)

    def feed(self, data: bytes) -> bytes:
        """Return what of ``data``, and of what was held, is whole."""
        if self._held:
            data, self._held = self._held + data, b""
        if data.endswith(_ENDS):  # as nearly always, for what an engine writes at once is read so
            return data
        whole = max(data.rfind(end) + len(end) if end in data else 0 for end in _ENDS)
        if len(data) - whole > _LONGEST_EVENT:
            return data
        self._held = data[whole:]
        return data[:whole]
