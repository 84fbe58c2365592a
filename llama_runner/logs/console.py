"""The console as a place for log lines."""

from __future__ import annotations

import io
import select
from collections.abc import Sequence
from typing import TextIO

from attrs import frozen

from llama_runner.logs.layout import console_text
from llama_runner.logs.line import LogLine


@frozen
class Console:
    """Writes lines to a text stream, below its locks where it has a lower part.

    A paused terminal blocks a write for as long as someone reads in it. Were
    that write inside the stream's buffer, it would hold the buffer's lock, and
    the interpreter cannot end while someone holds that.
    """

    stream: TextIO

    def write(self, lines: Sequence[LogLine]) -> int:
        """Write all of the lines."""
        encoding = self.stream.encoding or "utf-8"
        data = "".join(map(console_text, lines)).encode(encoding, "backslashreplace")
        raw = _raw_part(self.stream)
        if raw is None:
            self._write_text(data.decode(encoding))
        else:
            _write_bytes(raw, data)
        return len(lines)

    def _write_text(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except ValueError as error:
            raise OSError("the console is closed") from error


def _raw_part(stream: TextIO) -> io.RawIOBase | None:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    return raw if isinstance(raw, io.RawIOBase) and not raw.closed else None


def _write_bytes(raw: io.RawIOBase, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = raw.write(rest)
        if written is None:
            # Somebody made our stderr non-blocking; a parent that shares it can.
            select.select((), (raw,), ())
        else:
            rest = rest[written:]
