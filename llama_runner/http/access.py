"""Who may talk to us, decided from the head alone, before any body is read."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from attrs import frozen

from llama_runner.wire.request_head import RequestHead


@frozen
class Denial:
    """Why a request is not let in, with the HTTP status that says so."""

    status: int
    message: str
    code: str


@frozen
class Access:
    """The rules of one listener.

    A foreign ``Host`` is how DNS rebinding shows, a foreign ``Origin`` (or
    ``Sec-Fetch-Site``) how a web page shows: a page can post ``text/plain``,
    or open a websocket, without ever asking for permission.
    """

    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    api_keys: tuple[str, ...] = ()

    def check(self, head: RequestHead, local_address: str) -> Denial | None:
        """Return why the request must not be served, or ``None`` to let it in."""
        host = head.header(b"host") or ""
        if host and not self._knows_host(host, local_address):
            return Denial(403, f"the host {host!r} is not allowed here", "host_not_allowed")
        denial = self._check_origin(head, host)
        if denial is None and self.api_keys and not is_preflight(head):
            return self._check_key(head)
        return denial

    def cross_origin_headers(self, head: RequestHead) -> tuple[tuple[bytes, bytes], ...]:
        """Return the CORS headers that an allowed foreign origin needs (Fetch standard)."""
        origin = head.header(b"origin")
        if origin is None or _origin(origin) not in self.allowed_origins:
            return ()
        return ((b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin"))

    def _knows_host(self, host: str, local_address: str) -> bool:
        name = _host_name(host)
        return (
            name == "localhost"
            or name.endswith(".localhost")
            or name in self.allowed_hosts
            or _is_loopback(name)
            # An address cannot be rebound: a page that reaches us by it came from it.
            or name == local_address
        )

    def _check_origin(self, head: RequestHead, host: str) -> Denial | None:
        origin = head.header(b"origin")
        if origin is not None:
            if (
                _origin(origin) in self.allowed_origins
                or _origin(origin) == f"http://{host.lower()}"
            ):
                return None
            return Denial(403, f"the origin {origin!r} is not allowed here", "origin_not_allowed")
        if head.header(b"sec-fetch-site") == "cross-site" and not _is_navigation(head):
            return Denial(
                403, "web pages of other sites are not allowed here", "origin_not_allowed"
            )
        return None

    def _check_key(self, head: RequestHead) -> Denial | None:
        scheme, _, key = (head.header(b"authorization") or "").partition(" ")
        given = key.strip() if scheme.lower() == "bearer" else head.header(b"x-api-key") or ""
        if _is_one_of(given, self.api_keys):
            return None
        message = "expected an API key: Authorization: Bearer KEY, with a key of the configuration"
        return Denial(401, message, "invalid_api_key")


def is_preflight(head: RequestHead) -> bool:
    """Tell whether a browser asks whether it may send another request."""
    return head.method == "OPTIONS" and head.header(b"access-control-request-method") is not None


def preflight_headers(head: RequestHead) -> tuple[tuple[bytes, bytes], ...]:
    """Return what an allowed preflight is granted, besides its origin."""
    wanted = head.header(b"access-control-request-headers") or "content-type, authorization"
    return (
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"),
        (b"access-control-allow-headers", wanted.encode("latin-1")),
        (b"access-control-max-age", b"600"),
    )


def _is_one_of(given: str, keys: Sequence[str]) -> bool:
    # No early end: the time taken must not tell which key was nearly right.
    matches = [hmac.compare_digest(given.encode(), key.encode()) for key in keys]
    return any(matches)


def _host_name(host: str) -> str:
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _origin(origin: str) -> str:
    """Return the origin in lower case, without the default port's spelling."""
    parts = urlsplit(origin.strip().lower())
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else origin.strip().lower()


def _is_navigation(head: RequestHead) -> bool:
    """Tell whether a person followed a link to us; the page cannot see the answer."""
    mode, dest = head.header(b"sec-fetch-mode"), head.header(b"sec-fetch-dest")
    return head.method == "GET" and mode == "navigate" and dest == "document"
