"""The request that turns a connection into a websocket, checked (RFC 6455, section 4.2.1)."""

from __future__ import annotations

import binascii

from llama_runner.wire.request_head import HeadError, RequestHead

VERSION = "13"
KEY_BYTES = 16


def check_handshake(head: RequestHead) -> None:
    """Refuse a request for a websocket that could not be granted.

    Raises:
        HeadError: 426 for another version than ours, 400 for anything else.

    """
    if head.version != b"1.1" or head.has_body:
        raise HeadError(400, "a websocket is asked for by an HTTP/1.1 request without a body")
    if head.values(b"sec-websocket-version") != (VERSION,):
        headers = ((b"sec-websocket-version", VERSION.encode()), (b"upgrade", b"websocket"))
        raise HeadError(426, f"expected Sec-WebSocket-Version: {VERSION}", headers)
    if not _is_key(head.values(b"sec-websocket-key")):
        message = f"expected one Sec-WebSocket-Key of {KEY_BYTES} bytes in base64"
        raise HeadError(400, message)


def _is_key(keys: tuple[str, ...]) -> bool:
    try:
        return [len(binascii.a2b_base64(key, strict_mode=True)) for key in keys] == [KEY_BYTES]
    except ValueError:
        return False
