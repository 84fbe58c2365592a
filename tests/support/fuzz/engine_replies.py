"""What an engine answers, right to the last byte, and how that can go wrong."""

from __future__ import annotations

import json
from random import Random

from tests.support.fuzz.strict_engine import LAST_CHUNK, STREAM_HEAD, stream_pieces
from tests.support.program import CHAT, STREAM

STREAMED = STREAM_HEAD + b"".join(stream_pieces(1)) + LAST_CHUNK
WHOLE_BODY = json.dumps({"choices": [{"index": 0, "message": {"content": "x"}}], "usage": {}})
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(WHOLE_BODY),
    WHOLE_BODY.encode(),
)
EMBEDDING_BODY = b'{"model": "a", "data": [{"embedding": [0.5]}]}'
RANKS_BODY = b'{"model": "a", "results": [{"index": 0, "relevance_score": 0.5}]}'


def _replaced(body: bytes) -> bytes:
    length = b"content-length: %d\r\n\r\n%b" % (len(body), body)
    return WHOLE[: WHOLE.index(b"content-length")] + length


EMBEDDING, RANKS = map(_replaced, (EMBEDDING_BODY, RANKS_BODY))
REFUSED = WHOLE.replace(b"200 OK", b"400 Bad Request")

# What a client asks for, and how the engine answers that.
ASKED = {
    "streamed": ("/v1/chat/completions", STREAM, STREAMED),
    "joined": ("/v1/chat/completions", CHAT, STREAMED),
    "completed": ("/v1/completions", {"model": "a", "prompt": "Hi"}, STREAMED),
    "unstreamed": ("/v1/chat/completions", {**CHAT, "logprobs": True, "tools": [{}]}, WHOLE),
    "embedded": ("/v1/embeddings", {"model": "a", "input": "Hi"}, EMBEDDING),
    "ranked": ("/v1/rerank", {"model": "a", "query": "Hi", "documents": ["b"]}, RANKS),
}
HEADS = (
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 No\r\n"),
    *(b"HTTP/1.1 302 X\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 500 X\r\n"),
    *(b"HTTP/1.1 400 X\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 404 X\r\n", b"HTTP/1.1 503 X\r\n"),
    *(b"HTTP/1.1 999 X\r\n", b"", b"\r\n", b"SSH-2.0\r\n"),
)
HEADERS = (
    *(b"content-length: 10\r\n", b"content-length: 0\r\n", b"content-length: x\r\n", b"\r\n"),
    *(b"x\r\n", b"transfer-encoding: chunked\r\n", b"transfer-encoding: gzip\r\n"),
    *(b"connection: close\r\n", b"content-type: text/html\r\n", b"x: y\n"),
    *(b"x: " + b"y" * 70_000 + b"\r\n", b"content-length: 5\r\n"),
)
EVENTS = (
    *(b"[DONE]", b"null", b"{}", b"[]", b"1", b"{", b"", b'"', b"\xff", b'{"choices": 1}', b"NaN"),
    *(b'{"error": 1}', b'{"error": {"message": "no", "code": 400}}', b'{"error": {"code": true}}'),
    *(b'{"choices": [1]}', b'{"choices": [{"index": "a"}]}', b'{"choices": [{"index": -1}]}'),
    *(b'{"choices": [{"delta": 1}]}', b'{"choices": [{"delta": {"tool_calls": 1}}]}'),
    b'{"choices": [{"delta": {"tool_calls": [{"index": 5, "function": "x"}]}}]}',
    *(b'{"id": {"a": 1}}', b'{"choices": [{"finish_reason": "stop", "text": [1]}]}'),
    *(b'{"prompt_progress": {"processed": "x"}}', b'{"prompt_progress": {"processed": 1e999}}'),
    b'{"usage": [], "timings": 1, "object": []}',
    b'{"choices": [{"delta": {"a": %b}}]}' % (b"[" * 400 + b"]" * 400),
    b'{"choices": [{"delta": %b}]}' % (b'{"a":' * 300 + b"1" + b"}" * 300),
    b'{"choices": [{"delta": {"content": {"x": "y"}}}]}',
)
LINES = (
    *(b"data: %b\n\n", b"data:%b\r\n\r\n", b"event: error\ndata: %b\n\n", b": %b\n\n", b"%b\n\n"),
    b"data: %b\n",
)


def broken(chance: Random, right: bytes) -> bytes:
    """Return an answer that is not ``right``, or hardly."""
    match chance.randrange(6):
        case 0:
            return chance.randbytes(chance.randint(0, 300))
        case 1:
            return right[: chance.randint(0, len(right))] + chance.randbytes(chance.randint(0, 40))
        case 2:
            return b"".join(_garbled(chance, right) for _ in range(chance.randint(1, 2)))
        case 3:
            return STREAM_HEAD + _chunks(chance, _events(chance)) + LAST_CHUNK
        case 4:
            head = chance.choice(HEADS) + b"".join(chance.sample(HEADERS, chance.randint(0, 3)))
            return (
                head
                + b"\r\n"
                + chance.choice((b"", WHOLE_BODY.encode(), _events(chance), b"<html>"))
            )
        case _:
            return right + chance.choice((right, b"\0", b"HTTP/1.1 200 OK\r\n\r\n"))


def _garbled(chance: Random, right: bytes) -> bytes:
    place = chance.randint(0, len(right))
    until = min(len(right), place + chance.choice((0, 1, 30)))
    return right[:place] + chance.choice((b"", b"\r\n", chance.randbytes(3))) + right[until:]


def _events(chance: Random) -> bytes:
    found = [chance.choice(LINES) % chance.choice(EVENTS) for _ in range(chance.randint(0, 6))]
    good = [piece.split(b"\r\n")[1] for piece in stream_pieces(1)]
    if chance.random() < 0.5:
        found[chance.randint(0, len(found)) :] = good
    return b"".join(found)


def _chunks(chance: Random, data: bytes) -> bytes:
    places = sorted({0, len(data), *(chance.randint(0, len(data)) for _ in range(3))})
    pieces = [data[start:end] for start, end in zip(places, places[1:], strict=False)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
