"""OpenAI's routes that are relayed to the engine."""

from __future__ import annotations

from llama_runner.facades.openai.dialect import OpenAIDialect
from llama_runner.relay.relay import RelayRoute
from llama_runner.relay.relay_request import Task

DIALECT = OpenAIDialect()

RELAY_ROUTES = tuple(RelayRoute(task.value, task, DIALECT) for task in Task if task.is_route)
"""All are POST; the engine's own paths are OpenAI's."""
