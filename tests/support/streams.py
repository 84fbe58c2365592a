"""Streams of models of which only one fits: which of them began, and how each ended."""

from __future__ import annotations

import time
from typing import Any

from attrs import define, field

from tests.support.crowd import ENDED
from tests.support.http_client import RawClient


def asked_of(model: str, tokens: int) -> dict[str, Any]:
    """Return a request for a stream of so many tokens."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": "Count."}],
        "stream": True,
        "max_tokens": tokens,
        "ignore_eos": True,
    }


@define(eq=False)
class Streams:
    """What came of all streams; times are in seconds."""

    began: list[str] = field(factory=list, init=False)
    """Whose answers began, one after the other."""
    waits: list[float] = field(factory=list, init=False)
    """How long each waited for its first token."""
    answers: list[float] = field(factory=list, init=False)
    """How long each answer took from there."""
    whole: int = field(default=0, init=False)
    cut: int = field(default=0, init=False)

    @property
    def changes(self) -> int:
        """How often another model answered than just before: only one fits."""
        return sum(model != after for model, after in zip(self.began, self.began[1:]))

    async def read(self, client: RawClient, model: str, tokens: int, key: str = "") -> None:
        """Ask for one stream, with an API key if any, and read it to its end."""
        body, asked, began = b"", time.monotonic(), 0.0
        headers = {"authorization": f"Bearer {key}"} if key else {}
        await client.request(body=asked_of(model, tokens), headers=headers)
        head = await client.head()
        async for piece in client.pieces():
            body += piece
            if not began and b"data: " in piece:
                began = time.monotonic()
                self.began.append(model)
                self.waits.append(began - asked)
        self.answers.append(time.monotonic() - began)
        ended = b'"finish_reason":"length"' in body and body.endswith(ENDED)
        if head.status_code == 200 and ended:
            self.whole += 1
        else:
            self.cut += 1
