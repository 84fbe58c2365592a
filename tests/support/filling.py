"""Has a model read as much at once as it ever will."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with

from llama_runner.catalog.card import ModelCard, ModelKind
from llama_runner.memory.footprint import LONG_INPUT
from llama_runner.runner.launch import Launch
from tests.support.zoo.picture import picture

_PATIENCE = 120
_SPECIAL = 16
"""Tokens that a request has beside its text, at most."""


async def fill(launch: Launch, card: ModelCard) -> None:
    """Ask the child of this launch for something long, of each kind that the model reads."""
    room = (launch.context_length or card.context_length) // launch.slots
    text = "a " * (min(room, LONG_INPUT) - _SPECIAL)
    path, fields = _asked(card, text)
    headers = {"authorization": f"Bearer {launch.api_key}"}
    url = f"http://{launch.host}:{launch.port}{path}"
    async with httpx.AsyncClient(headers=headers, timeout=_PATIENCE, trust_env=False) as client:
        (await client.post(url, json=fields)).raise_for_status()


def _asked(card: ModelCard, text: str) -> tuple[str, Mapping[str, Any]]:
    match card.kind:
        case ModelKind.EMBEDDING:
            return "/v1/embeddings", {"input": [text, text]}
        case ModelKind.RERANK:
            return "/v1/rerank", {"query": "a", "documents": [text[8:]] * 2}
    # A byte may be a token of its own, and so may a space.
    content: list[Any] = [{"type": "text", "text": text[: len(text) // 2]}]
    if card.mmproj is not None:
        content.append({"type": "image_url", "image_url": {"url": picture(255, 0, 0)}})
    return "/v1/chat/completions", {
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 2,
    }
