"""HTTP/1.1's chunked transfer coding, sans I/O."""

from __future__ import annotations

import re

from attrs import define, field

from llama_runner.wire.framing import FramingError

_CRLF = b"\r\n"
_size_line = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
_boundary = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n").match
_boundary_begun = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,8}\r?)?)?)?|\r\n0{1,8}\r\n\r?").fullmatch


@define(eq=False)
class ChunkedDecoder:
    """Turns a chunked body, cut anywhere, into its payload.

    Stricter than the RFC asks: sizes are one to eight hex digits, there are
    no extensions and no trailers, lines end in CRLF. A body that two programs
    read differently is how requests are smuggled.
    """

    finished: bool = field(default=False, init=False)
    leftover: bytes = field(default=b"", init=False)
    """What came behind the end of the body, once ``finished``."""

    # Payload bytes of the current chunk still to come.
    _missing: int = field(default=0, init=False)
    # A boundary whose rest has not come yet. The CRLF that closes a chunk counts
    # as the start of the next size line, so the first line is given one too.
    _pending: bytes = field(default=_CRLF, init=False)

    def feed(self, data: bytes) -> bytes:
        """Return the payload that ``data`` carries, held back for nothing.

        Raises:
            FramingError: this is no chunked body, or the body has ended already.
        """
        if self._pending == _CRLF and (line := _size_line(data)):
            # One whole chunk, as engines write it and as it is nearly always read.
            start, end = line.end(), len(data) - len(_CRLF)
            if end - start == int(line[1], 16) and end > start and data.endswith(_CRLF):
                return data[start:end]
        position = self._missing
        if position > len(data):
            self._missing = position - len(data)
            return data
        if self._pending:
            data = self._pending + data
        elif self.finished and data:
            raise FramingError("a chunked body has ended and more was fed")
        pieces = [data[:position]] if position else []
        self._missing = 0
        while line := _boundary(data, position):
            size = int(line[1], 16)
            if not size:
                return self._end(pieces, data, line)
            start = line.end()
            position = start + size
            pieces.append(data[start:position])
            if position >= len(data):
                self._missing = position - len(data)
                self._pending = b""
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._hold(data[position:])
        return b"".join(pieces)

    def _end(self, pieces: list[bytes], data: bytes, line: re.Match[bytes]) -> bytes:
        if data.startswith(b"\r\n", line.end()):
            self.finished, self._pending = True, b""
            self.leftover = data[line.end() + 2 :]
        else:
            self._hold(data[line.start() :])
        return b"".join(pieces)

    def _hold(self, rest: bytes) -> None:
        if not _boundary_begun(rest):
            raise FramingError(f"this does not continue a chunked body: {rest[:20]!r}")
        self._pending = rest
