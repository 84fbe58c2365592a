"""OpenAI's routes that are relayed to the engine."""

from __future__ import annotations

from collections.abc import Mapping

from llama_runner.facades.openai.dialect import OpenAIDialect
from llama_runner.facades.openai.responses_dialect import ResponsesDialect
from llama_runner.relay.relay import RelayRoute
from llama_runner.relay.relay_request import Task

DIALECT = OpenAIDialect()
DIALECTS: Mapping[Task, OpenAIDialect] = {Task.RESPONSES: ResponsesDialect()}
"""Of the tasks that have one of their own."""

RERANK_ALIASES = ("/rerank", "/reranking", "/v1/reranking")
"""The engine's further paths for what OpenAI has no route for."""

RELAY_ROUTES = (
    *(RelayRoute(task.value, task, DIALECTS.get(task, DIALECT)) for task in Task if task.is_route),
    *(RelayRoute(path, Task.RERANK, DIALECT) for path in RERANK_ALIASES),
)
"""All are POST; the engine's own paths are OpenAI's."""
