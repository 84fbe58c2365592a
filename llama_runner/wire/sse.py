"""Server-sent events, sans I/O."""

from __future__ import annotations

from attrs import define, field, frozen

from llama_runner.wire.framing import FramingError

MAX_EVENT_BYTES = 16 * 1024 * 1024

_DATA = b"data: "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@frozen
class ServerSentEvent:
    """One event of the stream; its data stays bytes, for orjson to read."""

    data: bytes
    name: str = "message"


@define(eq=False)
class SSEDecoder:
    """Turns bytes, cut anywhere, into events.

    Reads what the WHATWG specification allows; made fast for what engines
    write: one ``data:`` line an event, ended by LF LF.
    """

    _max_event_bytes: int = MAX_EVENT_BYTES
    # Everything behind the last blank line, with LF line ends.
    _tail: bytearray = field(factory=bytearray, init=False)
    _begun: bool = field(default=False, init=False)
    _after_return: bool = field(default=False, init=False)

    @property
    def between_events(self) -> bool:
        """Whether what comes next begins an event."""
        return self._begun and not (self._tail or self._after_return)

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that ``chunk`` completes.

        Raises:
            FramingError: an event is larger than this decoder allows.
        """
        if not self._begun:
            chunk = self._skip_mark(chunk)
        if self._after_return or b"\r" in chunk:
            chunk = self._to_line_feeds(chunk)
        if tail := self._tail:
            searched = len(tail) - 1
            tail += chunk
            if tail.find(b"\n\n", searched) < 0:
                self._check(tail)
                return []
            chunk = bytes(tail)
            tail.clear()
        blocks = chunk.split(b"\n\n")
        self._tail += blocks.pop()
        self._check(self._tail)
        return [event for block in blocks if (event := self._read(block))]

    def _skip_mark(self, chunk: bytes) -> bytes:
        head = bytes(self._tail) + chunk
        self._tail.clear()
        if len(head) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(head):
            self._tail += head
            return b""
        self._begun = True
        return head.removeprefix(_BYTE_ORDER_MARK)

    def _to_line_feeds(self, chunk: bytes) -> bytes:
        # A CR ends its line at once, so an LF at the start of the next chunk is
        # the second half of a line end that was taken already.
        if self._after_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_return = False
        if chunk.endswith(b"\r"):
            self._after_return = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _check(self, block: bytes | bytearray) -> None:
        # A last LF may be half of the blank line that ends the event.
        if len(block) - block.endswith(b"\n") > self._max_event_bytes:
            raise FramingError(f"an event is larger than {self._max_event_bytes} bytes")

    def _read(self, block: bytes) -> ServerSentEvent | None:
        if len(block) > self._max_event_bytes:
            self._check(block)
        return read_event(block)


def read_event(block: bytes) -> ServerSentEvent | None:
    """Return the event in the lines before a blank one, if they are more than comments."""
    if block.startswith(_DATA) and b"\n" not in block:
        return ServerSentEvent(block[len(_DATA) :])
    return _read_lines(block.split(b"\n"))


def read_data(block: bytes) -> bytes | None:
    """Return what ``read_event`` would give as the event's data."""
    if block.startswith(_DATA) and b"\n" not in block:
        return block[len(_DATA) :]
    event = _read_lines(block.split(b"\n"))
    return event.data if event is not None else None


def _read_lines(lines: list[bytes]) -> ServerSentEvent | None:
    data: list[bytes] = []
    name = b""
    for line in lines:
        key, _, value = line.partition(b":")
        if key == b"data":
            data.append(value.removeprefix(b" "))
        elif key == b"event":
            name = value.removeprefix(b" ")
    if not data:
        return None
    return ServerSentEvent(b"\n".join(data), name.decode(errors="replace") or "message")
