"""A request as it is handed on to Hypercorn, sans I/O."""

from __future__ import annotations

from llama_runner.wire.body import Body
from llama_runner.wire.request_head import RequestHead

# What concerns the connection (RFC 9110, 7.6.1) or the framing, both of which the front
# has dealt with. Were Hypercorn to read them once more it could conclude otherwise: that
# another protocol is wanted, or that a further, unchecked request follows. Websockets get
# neither extensions nor subprotocols; an offer that is malformed makes Hypercorn fail.
_DEALT_WITH = {
    b"connection",
    b"content-length",
    b"expect",
    b"http2-settings",
    b"keep-alive",
    b"proxy-connection",
    # A websocket's: one that inflates what it gets can be sent a thousand times what it reads.
    b"sec-websocket-extensions",
    b"sec-websocket-protocol",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}


def replay(head: RequestHead, body: Body) -> bytes:
    """Return the request, framed anew."""
    request_line = f"{head.method} {head.target} HTTP/{head.version.decode()}"
    lines = [request_line.encode("latin-1")]
    lines += [b"%b: %b" % pair for pair in head.headers if pair[0] not in _DEALT_WITH]
    if head.wants_websocket:
        lines += [b"connection: upgrade", b"upgrade: websocket"]
    elif not head.keeps_alive:
        lines.append(b"connection: close")
    if head.chunked or head.content_length is not None:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
