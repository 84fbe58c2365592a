"""What a client sends first: its request line and headers, checked (sans I/O).

A head as nearly all clients send it is matched as a whole, which is quick. h11
parses every other; the checks beside it refuse what h11 or the next hop could
read in two ways (RFC 9112, sections 2.2, 5.2 and 6.3), because a request that
two programs frame differently is how one is smuggled past the other.
"""

from __future__ import annotations

import re

import h11
from attrs import field, frozen

from llama_runner.errors import shortened

HEAD_END = b"\r\n\r\n"

# Nothing here can be read in two ways. Possessive throughout: a hostile head costs one pass.
_ordinary = re.compile(
    rb"(?!CONNECT )([A-Z]++) /([!-~]*+) HTTP/1\.1\r\n((?:[0-9A-Za-z-]++: [!-~][ -~]*+\r\n)++)\r\n"
).fullmatch
_header_lines = re.compile(rb"([0-9A-Za-z-]+): ([ -~]+)").findall
_ordinary_length = re.compile(rb"[0-9]{1,18}").fullmatch

Headers = tuple[tuple[bytes, bytes], ...]


class HeadError(ValueError):
    """The head cannot be served; ``status`` and ``headers`` are the answer it deserves."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


@frozen
class RequestHead:
    """A request without its body; header names are in lower case."""

    method: str
    path: str
    query: str
    version: bytes
    headers: Headers
    content_length: int | None
    chunked: bool
    # Most of what is looked for is not there, which a set tells at once.
    _names: frozenset[bytes] = field(init=False, repr=False, eq=False)

    @_names.default
    def _names_of_headers(self) -> frozenset[bytes]:
        return frozenset([name for name, _ in self.headers])

    def header(self, name: bytes) -> str | None:
        """Return the first header of this (lower-case) name."""
        if name in self._names:
            for key, value in self.headers:
                if key == name:
                    return value.decode("latin-1")
        return None

    def values(self, name: bytes) -> tuple[str, ...]:
        """Return every header of this (lower-case) name."""
        if name not in self._names:
            return ()
        return tuple(value.decode("latin-1") for key, value in self.headers if key == name)

    @property
    def target(self) -> str:
        """The path with its query, as it was sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def has_body(self) -> bool:
        """Whether a body follows the head."""
        return self.chunked or bool(self.content_length)

    @property
    def keeps_alive(self) -> bool:
        """Whether the client expects to use the connection again."""
        return self.version == b"1.1" and "close" not in self._tokens(b"connection")

    @property
    def wants_websocket(self) -> bool:
        """Whether the client asks to turn the connection into a websocket."""
        return (
            self.method == "GET"
            and "upgrade" in self._tokens(b"connection")
            and "websocket" in self._tokens(b"upgrade")
        )

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for 100 Continue before it sends the body."""
        return self.version == b"1.1" and "100-continue" in self._tokens(b"expect")

    def _tokens(self, name: bytes) -> set[str]:
        listed = ",".join(self.values(name))
        return {token.strip().lower() for token in listed.split(",")}


def parse_request_head(raw: bytes) -> RequestHead:
    """Parse one head, its final empty line included.

    Raises:
        HeadError: with 400 for anything ambiguous, 501 for an unknown framing,
            505 for an HTTP version that is not 1.x.

    """
    return _parse_ordinary(raw) or _parse_with_care(raw)


def _parse_ordinary(raw: bytes) -> RequestHead | None:
    """Return the head if it is one about which there can be no question."""
    match = _ordinary(raw)
    if match is None:
        return None
    headers = tuple([(name.lower(), value.rstrip(b" ")) for name, value in _header_lines(match[3])])
    names = [name for name, _ in headers]
    lengths = [value for name, value in headers if name == b"content-length"]
    if names.count(b"host") != 1 or b"transfer-encoding" in names or len(lengths) > 1:
        return None
    if lengths and not _ordinary_length(lengths[0]):
        return None
    path, _, query = match[2].decode("ascii").partition("?")
    length = int(lengths[0]) if lengths else None
    return RequestHead(
        match[1].decode("ascii"), f"/{path}", query, b"1.1", headers, length, chunked=False
    )


def _parse_with_care(raw: bytes) -> RequestHead:
    _refuse_ambiguous_lines(raw)
    request = _parse(raw)
    path, _, query = request.target.decode("latin-1").partition("?")
    if not path.startswith("/") and not (path == "*" and request.method == b"OPTIONS"):
        raise HeadError(400, f"expected a path that starts with '/', got {shortened(path)!r}")
    method = request.method.decode("ascii")
    if method == "CONNECT":  # what follows it would be of another protocol
        raise HeadError(400, "CONNECT is not served: this is no way to other servers")
    if method != method.upper():  # not the same to us, but to others
        raise HeadError(
            400, f"expected a method in capitals, got {shortened(method)!r} (RFC 9110, 9.1)"
        )
    headers = tuple(request.headers)
    length, chunked = _framing(headers)
    if chunked and request.http_version == b"1.0":
        raise HeadError(400, "Transfer-Encoding needs HTTP/1.1 (RFC 9112, 6.1)")
    return RequestHead(
        method,
        path,
        query,
        request.http_version,
        headers,
        length,
        chunked,
    )


def _refuse_ambiguous_lines(raw: bytes) -> None:
    lines = raw.count(b"\r\n")
    if raw.count(b"\r") != lines or raw.count(b"\n") != lines:
        raise HeadError(400, "a line of the head ends in a bare CR or LF; expected CRLF")
    if b"\r\n " in raw or b"\r\n\t" in raw:
        raise HeadError(400, "a header is folded over two lines, which is obsolete (RFC 9112, 5.2)")


def _parse(raw: bytes) -> h11.Request:
    if raw.startswith(b"PRI * HTTP/2"):
        raise HeadError(505, "HTTP/2 is not spoken here; use HTTP/1.1")
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(raw) + 1)
    connection.receive_data(raw)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise HeadError(error.error_status_hint, _worded(error)) from None
    if not isinstance(event, h11.Request):
        raise HeadError(400, "not an HTTP request")
    if event.http_version not in (b"1.0", b"1.1"):
        version = event.http_version.decode("ascii")
        raise HeadError(505, f"HTTP/{version} is not spoken here; use HTTP/1.1")
    return event


def _worded(error: h11.RemoteProtocolError) -> str:
    """Return what is wrong; h11 quotes the whole of a line, as Python shows its bytes."""
    what, _, line = str(error).partition(": bytearray(b")
    return f"{what}: '{shortened(line[1:-2])}'" if line else what


def _framing(headers: Headers) -> tuple[int | None, bool]:
    length: int | None = None
    chunked = False
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
    if chunked and length is not None:
        raise HeadError(400, "both Content-Length and Transfer-Encoding are given; expected one")
    return length, chunked
