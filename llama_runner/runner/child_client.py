"""One child's HTTP API, which answers in JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import orjson

from llama_runner.errors import RunnerLost
from llama_runner.runner.launch import Launch

_LONGEST_REASON = 200


@asynccontextmanager
async def open_child_client(
    launch: Launch, timeout: float, connections: int
) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to the child of this launch while the block lasts, ``timeout`` seconds for each step."""
    async with httpx.AsyncClient(
        base_url=launch.endpoint,
        headers={"Authorization": f"Bearer {launch.api_key}"},
        timeout=timeout,
        # A connection that stays open would hold up the child's exit, and a
        # proxy named in our environment is no way to a neighbour on loopback.
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=0),
        trust_env=False,
        verify=False,
        follow_redirects=False,
    ) as client:
        yield client


async def ask(
    client: httpx.AsyncClient, path: str, fields: Mapping[str, Any] | None = None
) -> object:
    """Get what is at ``path``, or post ``fields`` to it; return what its JSON says.

    Raises:
        RunnerLost: no answer, or one that is no JSON or an error; with the child's own reason.
    """
    try:
        if fields is None:
            response = await client.get(path)
        else:
            response = await client.post(path, json=dict(fields))
    except httpx.HTTPError as error:
        raise RunnerLost(f"llama-server does not answer {path}: {error!r}") from error
    if not response.is_success:
        told = _reason(response) or f"llama-server does not answer {path}: {response.status_code}"
        raise RunnerLost(told)
    try:
        answer: object = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise RunnerLost(f"llama-server's {path} is not JSON") from error
    return answer


def _reason(response: httpx.Response) -> str:
    try:
        answer: object = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return ""
    match answer:
        case {"error": {"message": str() as message}}:
            return message[:_LONGEST_REASON]
        case _:
            return ""
