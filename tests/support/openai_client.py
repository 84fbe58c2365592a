"""OpenAI's own client, talking to a program that serves."""

from __future__ import annotations

import openai

from tests.support.served_program import PATIENCE, ServedProgram


def openai_client(program: ServedProgram) -> openai.OpenAI:
    """Return a client that asks once and waits long; leaving its block closes it."""
    return openai.OpenAI(
        base_url=f"{program.lmstudio}/v1",
        api_key="not-needed",
        max_retries=0,
        timeout=PATIENCE,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
