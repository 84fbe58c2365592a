from __future__ import annotations

import pytest

from llama_runner.wire.handshake import check_handshake
from llama_runner.wire.request_head import HeadError, parse_request_head

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = "Sec-WebSocket-Version: 13"


def check(*lines: str, version: str = "1.1") -> None:
    start = f"GET /api/events HTTP/{version}"
    whole = [start, "Host: a", "Connection: upgrade", "Upgrade: websocket", *lines, "", ""]
    check_handshake(parse_request_head("\r\n".join(whole).encode()))


def test_a_proper_handshake_passes() -> None:
    check(KEY, VERSION)


@pytest.mark.parametrize("versions", [[], ["Sec-WebSocket-Version: 8"], [VERSION, VERSION]])
def test_another_version_is_told_which_one_is_spoken(versions: list[str]) -> None:
    with pytest.raises(HeadError) as caught:
        check(KEY, *versions)
    assert caught.value.status == 426
    assert (b"sec-websocket-version", b"13") in caught.value.headers


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [KEY, KEY],
        ["Sec-WebSocket-Key:"],
        ["Sec-WebSocket-Key: c2hvcnQ="],
        ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
        ["Sec-WebSocket-Key: not base64 at all!!"],
        [KEY, "Content-Length: 1"],
        [KEY, "Transfer-Encoding: chunked"],
    ],
)
def test_what_could_not_be_granted_is_refused(lines: list[str]) -> None:
    with pytest.raises(HeadError) as caught:
        check(VERSION, *lines)
    assert caught.value.status == 400


def test_an_older_http_has_no_websockets() -> None:
    with pytest.raises(HeadError) as caught:
        check(KEY, VERSION, version="1.0")
    assert caught.value.status == 400
