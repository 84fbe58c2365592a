"""Asks servers of models over HTTP; nothing else here reaches beyond this machine."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from time import time
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import trio
from attrs import define, field, frozen

from llama_runner import __version__
from llama_runner.errors import PullFailed
from llama_runner.store.interrupted import Interrupted, Patience

STALL_LIMIT = 30.0
"""Seconds without a byte after which a connection is given up."""

_REDIRECTS = 8
_CLOSED_WITHIN = 2.0
_LONGEST_TEXT = 64 * 1024**2
_LONGEST_REASON = 300
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
# A proxy named in our environment is no way to a neighbour on loopback.
_NEIGHBOURS = ("all://127.0.0.1", "all://localhost", "all://[::1]")


Response = httpx.Response


class SourceRefused(PullFailed):
    """A source has answered, and will not give what was asked for."""

    def __init__(self, message: str, answer: int, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.answer = answer
        self.headers = headers


@asynccontextmanager
async def open_client(*, insecure: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to servers while the block lasts; who is ``insecure`` takes any certificate."""
    async with httpx.AsyncClient(
        headers={"User-Agent": f"llamarunner-pro/{__version__}", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(STALL_LIMIT, pool=None),
        verify=not insecure,
        follow_redirects=False,
        mounts=dict.fromkeys(_NEIGHBOURS),
    ) as client:
        yield client


@frozen
class Page:
    """What a server answered in JSON, and where it says that more is, by relation."""

    fields: Any
    links: Mapping[str, str]


@define(eq=False)
class Web:
    """One source, at ``base``; its token goes there and nowhere else.

    With ``challenged`` a token is fetched, without a name, from where a refusal says.
    """

    _client: httpx.AsyncClient
    base: str
    _token: str | None = field(default=None, repr=False)
    _challenged: bool = False

    @asynccontextmanager
    async def asked(
        self, url: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncIterator[httpx.Response]:
        """Get what is at ``url``, wherever that lies; the block may read the answer.

        Raises:
            Interrupted: it may go better the next time, also while the answer is read.
            SourceRefused: the answer is an error.
            PullFailed: it is nothing that may be asked for.

        """
        host = urlsplit(url).hostname
        try:
            for _ in range(_REDIRECTS):
                request = self._client.build_request("GET", url, headers=self._with(url, headers))
                async with _sent(self._client, request) as response:
                    onward = await self._onward(url, response)
                    if onward is None:
                        await _check(response)
                        yield response
                        return
                    url = onward
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Interrupted(f"{host} does not answer: {_why(error)}") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise PullFailed(f"no address can be made of {url!r}: {error}") from error
        raise PullFailed(f"{host} sends us round in circles")

    async def json(self, url: str, headers: Mapping[str, str] = MappingProxyType({})) -> Page:
        """Return the JSON at ``url``, which is asked for again as often as is sensible.

        Raises:
            PullFailed: as ``asked``, or it is no JSON.

        """
        text, links = await self._read(url, headers)
        try:
            return Page(json.loads(text), links)
        except (ValueError, RecursionError):
            raise PullFailed(f"the answer of {urlsplit(url).hostname} is no JSON") from None

    async def text(self, url: str) -> str:
        """Return the text at ``url``.

        Raises:
            PullFailed: as ``json``.

        """
        return (await self._read(url, {}))[0].decode("utf-8", "replace")

    async def _read(self, url: str, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        patience = Patience(3)
        while True:
            try:
                async with self.asked(url, headers) as response:
                    text = await _text(response, _LONGEST_TEXT)
                    links = {rel: each["url"] for rel, each in response.links.items() if rel}
                    return text, {rel: urljoin(url, link) for rel, link in links.items()}
            except Interrupted as error:
                await patience.wait(error)

    async def _onward(self, url: str, response: httpx.Response) -> str | None:
        """Return where to ask instead; None if this is the answer."""
        if response.has_redirect_location:
            onward = urljoin(url, response.headers["location"])
            if url.startswith("https:") and not onward.startswith("https:"):
                raise PullFailed(
                    f"{urlsplit(url).hostname} sends us to {onward}, which is not safe"
                )
            return onward
        if response.status_code == 401 and self._challenged and self._is_ours(url):
            before = self._token
            await self._take_token(response.headers.get("www-authenticate", ""))
            return url if self._token != before else None
        return None

    async def _take_token(self, challenge: str) -> None:
        given = dict(_CHALLENGE.findall(challenge))
        realm = given.pop("realm", "")
        if not challenge.lower().startswith("bearer") or not realm:
            return
        wanted = {name: given[name] for name in ("service", "scope") if name in given}
        url = str(httpx.URL(urljoin(self.base, realm)).copy_merge_params(wanted))
        async with _sent(self._client, self._client.build_request("GET", url)) as response:
            await _check(response)
            told = json.loads(await _text(response, _LONGEST_TEXT))
        match told:
            case {"token": str() as token} | {"access_token": str() as token}:
                self._token = token

    def _with(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        if self._token and self._is_ours(url):
            return {**headers, "Authorization": f"Bearer {self._token}"}
        return dict(headers)

    def _is_ours(self, url: str) -> bool:
        return _origin(url) == _origin(self.base)


@asynccontextmanager
async def _sent(client: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    response = await client.send(request, stream=True)
    try:
        yield response
    finally:
        with trio.move_on_after(_CLOSED_WITHIN, shield=True):
            await response.aclose()


async def _check(response: httpx.Response) -> None:
    """Raise what an answer that is an error means."""
    if response.is_success:
        return
    status, host = response.status_code, response.url.host
    if status in _PASSING:
        raise Interrupted(f"{host} answers {status}", _after(response.headers.get("retry-after")))
    reason = (await _text(response, _LONGEST_REASON)).decode("utf-8", "replace").strip()
    raise SourceRefused(f"{status}: {reason}".rstrip(": "), status, response.headers)


async def _text(response: httpx.Response, most: int) -> bytes:
    """Return an answer's first ``most`` bytes."""
    text = bytearray()
    async for chunk in response.aiter_bytes():
        text += chunk
        if len(text) >= most:
            break
    return bytes(text[:most])


def _after(wanted: str | None) -> float | None:
    """Return in how many seconds a source wants to be asked again (RFC 9110, 10.2.3)."""
    if not wanted:
        return None
    if wanted.strip().isdecimal():
        return float(wanted)
    try:
        return max(0.0, parsedate_to_datetime(wanted).timestamp() - time())
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme, parts.hostname, port or {"https": 443, "http": 80}.get(parts.scheme)


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
