"""Well-formed requests over all routes of the three listeners."""

from __future__ import annotations

from random import Random

from attrs import define

from tests.support.fuzz.bodies import fine_body

RELAYED = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank")
FACADES = ("lmstudio", "ollama", "dashboard")
PLAIN = (
    *(("GET", "/v1/models"), ("HEAD", "/v1/models"), ("OPTIONS", "/v1/models"), ("GET", "/")),
    *(
        ("GET", "/v1/models/a"),
        ("GET", "/v1/models/none"),
        ("GET", "/v1/models/?x=/"),
        ("HEAD", "/"),
    ),
    *(("GET", "/lmstudio-greeting"), ("GET", "/api/status"), ("POST", "/api/stop")),
    *(("GET", "/api/events"), ("DELETE", "/v1/models"), ("PUT", "/nothing"), ("OPTIONS", "*")),
    *(("GET", "/v1/chat/completions"), ("HEAD", "/v1/completions"), ("PATCH", "/v1/embeddings")),
)
HARMLESS = (
    *(("Accept", "*/*"), ("User-Agent", "fuzz/1.0"), ("Accept-Encoding", "gzip, br"), ("X", "")),
    *(("Authorization", "Bearer mine"), ("X-Api-Key", "mine"), ("Cookie", "a=b; c=d")),
    *(("X-Conversation-Id", "c1"), ("Expect", "100-continue"), ("Connection", "keep-alive")),
    *(("Content-Type", "text/plain"), ("TE", "trailers"), ("Sec-Fetch-Mode", "cors")),
    *(("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin"), ("X", "a\tb \xe9")),
    *(
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Original-URL", "/v1/completions"),
        ("Range", "bytes=0-1"),
    ),
    *(("If-None-Match", "*"), ("If-Modified-Since", "yesterday"), ("Accept-Language", "x" * 2000)),
)
HOSTS = ("localhost", "localhost:1234", "127.0.0.1", "[::1]:1234", "LOCALHOST.", "a.localhost:")
HANDSHAKE = (
    *(("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


@define
class Request:
    """One request to be written; text stands for bytes, and ``payload`` is framed already."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    payload: bytes = b""
    version: str = "HTTP/1.1"
    fine: bool = True
    """Whether it must be served; a relay route's also must be passed on."""

    @property
    def relayed(self) -> bool:
        """Whether it asks for a relay route, on a listener that has them."""
        return self.method == "POST" and self.target in RELAYED

    def raw(self) -> bytes:
        """Return what goes over the wire."""
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.payload


def relay_request(chance: Random, mark: str) -> Request:
    """Return a request that is relayed, if the listener does that."""
    path = chance.choice(RELAYED)
    request = Request("POST", path, _headers(chance))
    frame(chance, request, fine_body(chance, path, mark))
    return request


def plain_request(chance: Random) -> Request:
    """Return a request for an application, be it for a route that there is or not."""
    method, target = chance.choice(PLAIN)
    request = Request(method, target, _headers(chance))
    if method in ("POST", "PUT", "PATCH"):
        frame(chance, request, chance.randbytes(chance.randint(0, 40)))
    return request


def handshake(chance: Random) -> Request:
    """Return a request for a websocket, which only the dashboard grants."""
    target = "/api/events" if chance.random() < 0.8 else "/v1/models"
    return Request("GET", target, [*_headers(chance), *HANDSHAKE])


def frame(chance: Random, request: Request, body: bytes) -> None:
    """Give the request a body, by its length or in chunks."""
    if chance.random() < 0.7:
        request.headers.append(("Content-Length", str(len(body))))
        request.payload = body
        return
    request.headers.append(("Transfer-Encoding", chance.choice(("chunked", "Chunked"))))
    request.payload = b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces_of(chance, body)
    )
    request.payload += chance.choice((b"0\r\n\r\n", b"000\r\n\r\n"))


def pieces_of(chance: Random, data: bytes, most: int = 4) -> list[bytes]:
    """Return ``data`` in up to ``most`` pieces, none of them empty."""
    places = sorted({chance.randint(0, len(data)) for _ in range(chance.randint(0, most - 1))})
    edges = zip([0, *places], [*places, len(data)], strict=True)
    return [data[start:end] for start, end in edges if start < end]


def _headers(chance: Random) -> list[tuple[str, str]]:
    host = chance.choice(HOSTS) if chance.random() < 0.3 else "localhost"
    # By name, since twice the same of some headers is a question of its own.
    headers = dict(chance.sample(HARMLESS, chance.choice((0, 0, 1, 1, 2, 5))))
    if chance.random() < 0.1:
        headers["Origin"] = f"http://{host}"
    listed = list(headers.items())
    listed.insert(chance.randint(0, len(listed)), ("Host", host))
    return listed
