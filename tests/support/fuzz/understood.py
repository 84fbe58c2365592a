"""What an independent, lenient parser (h11) understands of the bytes that a client sent.

Our front is stricter on purpose, so it may refuse some of this; but what is not
here must go no further than the front.
"""

from __future__ import annotations

import json
from typing import Any

import h11
from attrs import frozen

LONGEST_HEAD = 1 << 20
LOCAL = ("localhost", "127.0.0.1", "::1")
# What the relay decides for itself; everything else is passed on as it was meant.
OURS = frozenset(
    {"model", "stream", "return_progress", "stream_options", "id_slot", "cache_prompt"}
)


@frozen
class Understood:
    """One request; ``complete`` if its body came to its end."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool

    @property
    def path(self) -> str:
        """The path as our routes are named, without what is passed over at its end."""
        return self.target.partition("?")[0].removesuffix("/")

    @property
    def is_ours(self) -> bool:
        """Whether it is meant for this machine, and no page of another site made it."""
        hosts = self.values(b"host")
        names = [_host_name(host) for host in hosts]
        origins = {origin.lower() for origin in self.values(b"origin")}
        return (
            all(name in LOCAL or name.endswith(".localhost") for name in names)
            and origins <= {f"http://{host.lower()}" for host in hosts}
            and (bool(origins) or "cross-site" not in self.values(b"sec-fetch-site"))
        )

    @property
    def wants_websocket(self) -> bool:
        """Whether it asks to go on in another protocol, so that nothing else can follow it."""
        upgrades = ",".join(self.values(b"upgrade")).lower()
        return self.method == "GET" and "websocket" in upgrades

    def values(self, name: bytes) -> list[str]:
        """Return the values of all headers of this name."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]


def understood(sent: bytes) -> list[Understood]:
    """Return the requests in ``sent``, up to the first thing that is none."""
    found: list[Understood] = []
    while True:
        # An empty line before a request is to be passed over (RFC 9112, 2.2); h11 does not.
        while sent.startswith(b"\r\n"):
            sent = sent[2:]
        if not sent:
            return found
        request, sent = _first(sent)
        if request is None:
            return found
        found.append(request)
        if not request.complete:
            return found


def _first(sent: bytes) -> tuple[Understood | None, bytes]:
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
    parser.receive_data(sent)
    head: h11.Request | None = None
    body, complete = [], False
    try:
        while not complete:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                complete = True
            else:
                break
    except h11.RemoteProtocolError:
        pass
    if head is None:
        return None, b""
    method, target = head.method.decode(), head.target.decode("latin-1")
    rest = bytes(parser.trailing_data[0]) if complete else b""
    return Understood(method, target, tuple(head.headers), b"".join(body), complete), rest


def meaning(path: str, body: bytes) -> str | None:
    """Return what a relayed request asks for in one canonical form.

    Read by another JSON parser than the product's. ``None`` for what is no JSON object,
    or points the engine at something to fetch.
    """
    try:
        fields = json.loads(body.decode(), parse_int=_read_int, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or _points_elsewhere(fields.get("messages")):
        return None
    return json.dumps([path, {k: v for k, v in fields.items() if k not in OURS}], sort_keys=True)


def _points_elsewhere(messages: Any) -> bool:
    contents = [one.get("content") for one in _dicts(messages)]
    images = [part.get("image_url") for content in contents for part in _dicts(content)]
    addresses = [image.get("url") if isinstance(image, dict) else image for image in images]
    return any(isinstance(one, str) and not _is_data(one) for one in addresses)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_data(address: str) -> bool:
    return address.strip().lower().startswith("data:")


def _read_int(text: str) -> int | float:
    # Beyond 64 bits a number is one of the double-precision kind (RFC 8259, 6).
    return int(text) if len(text) < 30 and -(2**63) <= int(text) < 2**64 else float(text)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _host_name(host: str) -> str:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.strip("[]").removesuffix(".").lower()
