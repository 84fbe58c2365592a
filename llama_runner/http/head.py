"""Reads the head of a request under a size and a time limit."""

from __future__ import annotations

import re

import trio

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.client import Client, ClientTooSlow
from llama_runner.wire.request_head import HEAD_END, HeadError, RequestHead, parse_request_head

_empty_lines = re.compile(rb"(?:\r\n)++").match
_OTHER_LINES = 2  # the request line and the empty one


def skip_empty_lines(client: Client) -> None:
    """Drop empty lines before a request: a client may send one too many (RFC 9112, 2.2)."""
    # All at once: thousands may have been sent, and nobody else has a turn meanwhile.
    if client.buffer.startswith(b"\r\n") and (found := _empty_lines(client.buffer)):
        client.take(found.end())


async def read_head(client: Client, limits: LimitsConfig) -> RequestHead:
    """Return the next request's head.

    Raises:
        HeadError: 408 too slow, 431 too large, else as ``parse_request_head``.
        ClientGone: the client left before the head was complete.

    """
    raw = await _raw_head(client, limits)
    if raw.count(b"\n") > limits.max_headers + _OTHER_LINES:
        raise HeadError(431, f"the head has more headers than the limit of {limits.max_headers}")
    return parse_request_head(raw)


async def _raw_head(client: Client, limits: LimitsConfig) -> bytes:
    deadline = None  # nearly all heads come in one piece, which needs none
    while True:
        skip_empty_lines(client)
        end = client.buffer.find(HEAD_END)
        if end > limits.max_head_bytes or end < 0 and len(client.buffer) > limits.max_head_bytes:
            message = f"the head is larger than the limit of {limits.max_head_bytes} bytes"
            raise HeadError(431, message)
        if end >= 0:
            return client.take(end + len(HEAD_END))
        if client.buffer.count(b"\n") != client.buffer.count(b"\r\n"):
            return bytes(client.buffer)  # a bare LF: the parser says what is wrong with it
        if deadline is None:
            deadline = trio.current_time() + limits.head_timeout
        await _more(client, deadline, limits)


async def _more(client: Client, deadline: float, limits: LimitsConfig) -> None:
    try:
        await client.more(deadline)
    except ClientTooSlow:
        message = f"the head was not complete within {limits.head_timeout:g} s"
        raise HeadError(408, message) from None
