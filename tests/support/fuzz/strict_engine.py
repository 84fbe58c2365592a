"""An engine that reads what reaches it with a parser of its own, and forgives nothing."""

from __future__ import annotations

import json
import socket
from zlib import crc32

import h11
import trio
from attrs import define, field, frozen

from tests.support.scripted_engine import TIMINGS, EngineConnection

ALLOWED = ["authorization", "content-length", "content-type", "host"]


@frozen
class Forwarded:
    """One request that reached the engine."""

    path: str
    body: bytes


@define(eq=False)
class StrictEngine:
    """Answers every request well; ``faults`` tells what was not as it must be."""

    dawdles: bool = True
    """Whether some answers take their time."""
    forwarded: list[Forwarded] = field(factory=list, init=False)
    faults: list[str] = field(factory=list, init=False)

    async def serve(self, sock: socket.socket) -> None:
        """Answer the requests of one connection."""
        with sock:
            connection, parser = EngineConnection(sock), h11.Connection(h11.SERVER)
            try:
                while (request := await self._read(connection, parser)) is not None:
                    self.forwarded.append(request)
                    await self._answer(request, connection)
                    if parser.trailing_data[0]:
                        self.faults.append(f"more than a request: {parser.trailing_data[0]!r}")
                    parser = h11.Connection(h11.SERVER)
            except OSError:
                pass  # it was hung up, as it is when a client leaves
            except h11.RemoteProtocolError as error:
                self.faults.append(f"not HTTP: {error}")

    async def _read(self, connection: EngineConnection, parser: h11.Connection) -> Forwarded | None:
        head, body = None, b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                data = await connection.receive()
                if not data:
                    return None
                parser.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                self._check(head, body)
                return Forwarded(head.target.decode(), body)
            else:
                self.faults.append(f"unexpected: {event!r}")
                return None

    def _check(self, head: h11.Request, body: bytes) -> None:
        headers = {name.decode(): value.decode() for name, value in head.headers}
        if sorted(name.decode() for name, _ in head.headers) != ALLOWED:
            self.faults.append(f"headers beyond those allowed: {head.headers!r}")
        if (head.method, headers.get("authorization")) != (b"POST", "Bearer key"):
            self.faults.append(f"not our request: {head!r}")
        if headers.get("content-length") != str(len(body)):
            self.faults.append(f"another length than it says: {head!r}")
        fields = json.loads(body.decode())
        if not isinstance(fields, dict) or fields.get("model") not in ("a", "b"):
            self.faults.append(f"not for a model of ours: {body[:200]!r}")

    async def _answer(self, request: Forwarded, connection: EngineConnection) -> None:
        fields = json.loads(request.body)
        slow = self.dawdles and crc32(request.body) % 8 == 0
        if not fields.get("stream"):
            await trio.sleep(3 if slow else 0)
            choice = {"index": 0, "finish_reason": "stop", "message": {"content": "x"}}
            vector = {"index": 0, "embedding": [0.5]}
            rank = {"index": 0, "relevance_score": 0.5}
            # It holds what is asked for, whatever that is.
            held = {"choices": [choice], "data": [vector], "results": [rank], "usage": {}}
            await connection.whole(200, held)
            return
        pieces = stream_pieces(fields.get("n"))
        if not slow:
            await connection.send(STREAM_HEAD + b"".join(pieces) + LAST_CHUNK)
            return
        await connection.send(STREAM_HEAD)
        for piece in pieces:
            await trio.sleep(1.5)
            await connection.send(piece)
        await connection.send(LAST_CHUNK)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"transfer-encoding: chunked\r\naccess-control-allow-origin: *\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def stream_pieces(choices: object) -> list[bytes]:
    """Return the chunks of a streamed answer to a request for so many choices."""
    number = choices if isinstance(choices, int) and 1 <= choices <= 3 else 1
    progress = {"total": 1, "cache": 0, "processed": 1, "time_ms": 1}
    events = [{**_told(0, {"role": "assistant", "content": None}), "prompt_progress": progress}]
    for index in range(number):
        events.append(_told(index, {"role": "assistant", "content": None}))
        events.append(_told(index, {"content": "x"}))
        events.append({**_told(index, {}, "stop"), "timings": TIMINGS})
    return [_chunk(json.dumps(event)) for event in events] + [_chunk("[DONE]")]


def _told(index: int, delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}], "id": "c1"}


def _chunk(data: str) -> bytes:
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)
