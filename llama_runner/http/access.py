"""Who may talk to us, decided from the head alone, before any body is read."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from attrs import field, frozen

from llama_runner.errors import shortened
from llama_runner.wire.request_head import RequestHead

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._~-]+))(?::[0-9]*)?")


@frozen
class Denial:
    """Why a request is not let in, with the HTTP status that says so."""

    status: int
    message: str
    code: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


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
    key_names: Mapping[str, str] = field(factory=dict, repr=False)
    app_schemes: frozenset[str] = frozenset()
    """Schemes of origins that are let in; no page from the web can have one of an app."""

    def check(self, head: RequestHead, local_address: str) -> Denial | None:
        """Return why the request must not be served, or ``None`` to let it in."""
        host = head.header(b"host")
        if host is not None and not self._knows_host(host, local_address):
            message = f"the host {shortened(host)!r} is not allowed here"
            return Denial(403, message, "host_not_allowed")
        denial = self._check_origin(head, host)
        if denial is None and self.api_keys and not self._answers_preflight(head):
            return self._check_key(head)
        return denial

    def key_of(self, head: RequestHead) -> str | None:
        """Return the key that came with a request, if keys are asked for."""
        return _given_key(head) if self.api_keys else None

    def name_of(self, key: str | None, address: str) -> str:
        """Return what a client is called: by the name of its key, else by its address."""
        return address if key is None else self.key_names.get(key, address)

    def cross_origin_headers(self, head: RequestHead) -> tuple[tuple[bytes, bytes], ...]:
        """Return the CORS headers that an allowed foreign origin needs (Fetch standard)."""
        origin = head.header(b"origin")
        if origin is None or not self._allows(origin):
            return ()
        return ((b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin"))

    def _allows(self, origin: str) -> bool:
        name = origin.lower()
        scheme, separator, _ = name.partition("://")
        return name in self.allowed_origins or bool(separator and scheme in self.app_schemes)

    def _answers_preflight(self, head: RequestHead) -> bool:
        # A browser asks without the key, and gets nothing but the permission to ask with it.
        return is_preflight(head) and bool(self.cross_origin_headers(head))

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

    def _check_origin(self, head: RequestHead, host: str | None) -> Denial | None:
        for origin in head.values(b"origin"):
            same = host is not None and origin.lower() == f"http://{host.lower()}"
            if not same and not self._allows(origin):
                message = f"the origin {shortened(origin)!r} is not allowed here"
                return Denial(403, message, "origin_not_allowed")
        if head.header(b"origin") is None and _is_foreign_page(head):
            message = "web pages of other sites are not allowed here"
            return Denial(403, message, "origin_not_allowed")
        return None

    def _check_key(self, head: RequestHead) -> Denial | None:
        if _is_one_of(_given_key(head), self.api_keys):
            return None
        message = "expected an API key: Authorization: Bearer KEY, with a key of the configuration"
        return Denial(401, message, "invalid_api_key", ((b"www-authenticate", b"Bearer"),))


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


def _given_key(head: RequestHead) -> str:
    scheme, _, key = (head.header(b"authorization") or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else head.header(b"x-api-key") or ""


def _is_one_of(given: str, keys: Sequence[str]) -> bool:
    # No early end: the time taken must not tell which key was nearly right.
    matches = [hmac.compare_digest(given.encode(), key.encode()) for key in keys]
    return any(matches)


@lru_cache(maxsize=64)
def _host_name(host: str) -> str:
    """Return the name in a Host header, which is nothing if there is more than a port besides."""
    match = _HOST.fullmatch(host.lower())
    return (match[1] or match[2].removesuffix(".")) if match else ""


@lru_cache(maxsize=64)  # nearly every request names the same few
def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_foreign_page(head: RequestHead) -> bool:
    """Tell whether another site's page makes the request, other than by a link to us."""
    return "cross-site" in head.values(b"sec-fetch-site") and not _is_navigation(head)


def _is_navigation(head: RequestHead) -> bool:
    """Tell whether a person followed a link to us; the page cannot see the answer."""
    mode, dest = head.header(b"sec-fetch-mode"), head.header(b"sec-fetch-dest")
    return head.method == "GET" and mode == "navigate" and dest == "document"
