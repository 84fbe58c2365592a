"""The head of an engine's answer, sans I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from attrs import frozen

from llama_runner.wire.framing import FramingError

MAX_HEAD_BYTES = 64 * 1024
# An engine says the same few heads again and again, if only it counts down in one of them.
REMEMBERED_HEADS = 256

# Possessive throughout: a hostile head costs one pass.
_status_line = re.compile(
    rb"HTTP/1\.([01]) ([2-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*+)?+"
).fullmatch
_header_line = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[ \t]*+([\t\x20-\x7e\x80-\xff]*+)"
).fullmatch
_length = re.compile(r"[0-9]{1,18}").fullmatch


@frozen
class ResponseHead:
    """What an answer says about itself before its body.

    A body that is neither ``chunked`` nor has a ``content_length`` lasts until
    the connection closes; ``close`` is then true.
    """

    status: int
    content_type: str
    content_length: int | None
    chunked: bool
    close: bool
    headers: Mapping[str, str]
    """All headers by lower-case name; what comes twice is joined by a comma."""


def split_response_head(received: bytes) -> tuple[ResponseHead, bytes] | None:
    """Return the head and what lies behind it, or None while more must come.

    Raises:
        FramingError: this is no HTTP/1 answer, or its framing is ambiguous.
    """
    end = received.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    if end < 0:
        if len(received) >= MAX_HEAD_BYTES:
            raise FramingError(f"an answer's head is larger than {MAX_HEAD_BYTES} bytes")
        return None
    return _parse(received[:end]), received[end + 4 :]


@lru_cache(REMEMBERED_HEADS)
def _parse(head: bytes) -> ResponseHead:
    first, *lines = head.split(b"\r\n")
    status_line = _status_line(first)
    if status_line is None:
        raise FramingError(f"this is not the status line of an answer: {first[:40]!r}")
    status = int(status_line[2])
    headers = _read_headers(lines)
    chunked = _is_chunked(headers.get("transfer-encoding"))
    length = _read_length(headers.get("content-length"))
    if chunked and length is not None:
        raise FramingError("an answer has both a Content-Length and a Transfer-Encoding")
    if status in (204, 304) and not chunked:
        length = 0
    return ResponseHead(
        status,
        headers.get("content-type", ""),
        length,
        chunked,
        _closes(headers, old=status_line[1] == b"0", framed=chunked or length is not None),
        headers,
    )


def _read_headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _header_line(line)
        if match is None:
            raise FramingError(f"this is not a header line: {line[:40]!r}")
        name = match[1].decode("ascii").lower()
        value = match[2].decode("latin-1").rstrip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _is_chunked(value: str | None) -> bool:
    if value is None:
        return False
    if value.lower() != "chunked":
        raise FramingError(f"an answer has an unknown Transfer-Encoding: {value[:40]!r}")
    return True


def _read_length(value: str | None) -> int | None:
    if value is None:
        return None
    if not _length(value):
        raise FramingError(f"an answer has an unusable Content-Length: {value[:40]!r}")
    return int(value)


def _closes(headers: Mapping[str, str], *, old: bool, framed: bool) -> bool:
    if old or not framed:
        return True
    return "close" in (token.strip() for token in headers.get("connection", "").lower().split(","))
