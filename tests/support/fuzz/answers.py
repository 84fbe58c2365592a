"""Judges what came back on one connection, byte by byte, with h11 and wsproto."""

from __future__ import annotations

import json
from collections.abc import Sequence

import h11
from attrs import frozen
from wsproto.connection import Connection, ConnectionType
from wsproto.utilities import RemoteProtocolError

from tests.support.fuzz.wrong import Wrong

SWITCHING = 101
# Of the 5xx, those that say what the client did wrong.
BLAMES_CLIENT = (501, 505)
NO_ROUTE = {
    ("ollama", 404, "text/plain; charset=utf-8"): b"404 page not found",
    ("ollama", 405, "text/plain; charset=utf-8"): b"405 method not allowed",
}
"""What is no error in JSON: what Ollama's router says, on its port alone."""
STREAM_ENDS = b"data: [DONE]\n\n"


@frozen
class Answer:
    """One answer; ``body`` is all that came of it, ``complete`` if that is the whole."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool
    rest: bytes

    @property
    def closes(self) -> bool:
        """Whether it is said to be the connection's last."""
        return self.headers.get("connection") == "close"


def answers_in(output: bytes, methods: Sequence[str], facade: str, *, whole: bool) -> list[Answer]:
    """Return the answers of a facade in ``output`` to requests by these methods.

    ``whole`` says that the other side closed by itself, and had no cause to break off.

    Raises:
        Wrong: the output is not answers, one after the other, and nothing else.
    """
    found: list[Answer] = []
    while output:
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        answer = _first(output, method, ended=whole)
        if answer and method == "HEAD" and answer.closes and answer.rest:
            # What was refused for its head is not known to be a HEAD.
            answer = _first(output, "GET", ended=whole)
        if answer is None:
            break
        _check(answer, method, facade)
        found.append(answer)
        output = answer.rest
        if answer.status == SWITCHING:
            _check_frames(output)
            break
        if answer.closes and output:
            raise Wrong(f"more came behind the last answer: {output[:200]!r}")
    if whole and found and not found[-1].complete:
        raise Wrong(f"the connection was closed within an answer: {found[-1]}")
    return found


def _first(output: bytes, method: str, *, ended: bool) -> Answer | None:
    parser = h11.Connection(h11.CLIENT)
    upgrades = output.startswith(b"HTTP/1.1 101 ")
    headers = [("host", "x"), *([("connection", "upgrade"), ("upgrade", "x")] if upgrades else ())]
    parser.send(h11.Request(method=method, target="/", headers=headers))
    parser.send(h11.EndOfMessage())
    parser.receive_data(output)
    if ended:
        parser.receive_data(b"")
    try:
        return _read(parser)
    except h11.RemoteProtocolError as error:
        raise Wrong(f"no answer: {error}: {output[:500]!r}") from None


def _read(parser: h11.Connection) -> Answer | None:
    status, headers, body = 0, dict[str, str](), list[bytes]()
    while True:
        event = parser.next_event()
        if isinstance(event, h11.InformationalResponse) and event.status_code != SWITCHING:
            continue
        if isinstance(event, h11.Response | h11.InformationalResponse):
            status = event.status_code
            pairs = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
            headers = dict(pairs)
            if len(headers) < len(pairs):
                raise Wrong(f"a header comes twice: {pairs}")
        elif isinstance(event, h11.Data):
            body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage) or status == SWITCHING:
            return Answer(status, headers, b"".join(body), True, bytes(parser.trailing_data[0]))
        else:
            return Answer(status, headers, b"".join(body), False, b"") if status else None


def _check(answer: Answer, method: str, facade: str) -> None:
    if answer.status >= 500 and answer.status not in BLAMES_CLIENT:
        raise Wrong(f"a client is never answered like this: {answer}")
    if not answer.complete or method == "HEAD" or answer.status in (SWITCHING, 204, 304):
        return
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        if not answer.body.endswith(STREAM_ENDS):
            raise Wrong(f"a stream without its end: {answer}")
    elif kind.startswith("application/json"):
        _check_json(answer)
    elif (answer.status >= 400 or not kind.startswith("text/")) and (
        answer.body != NO_ROUTE.get((facade, answer.status, kind))
    ):
        raise Wrong(f"an answer in nobody's dialect: {answer}")


def _check_json(answer: Answer) -> None:
    try:
        fields = json.loads(answer.body)
    except ValueError:
        raise Wrong(f"this is no JSON: {answer}") from None
    if answer.status >= 400 and not fields.get("error"):
        raise Wrong(f"an error that says nothing: {answer}")


def _check_frames(data: bytes) -> None:
    reader = Connection(ConnectionType.CLIENT)
    try:
        reader.receive_data(data)
        for _ in reader.events():
            pass
    except RemoteProtocolError as error:
        raise Wrong(f"these are no frames: {error}: {data[:200]!r}") from None
