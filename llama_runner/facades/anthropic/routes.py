"""Anthropic's route that is relayed to the engine."""

from __future__ import annotations

from llama_runner.facades.anthropic.dialect import AnthropicDialect
from llama_runner.facades.anthropic.errors import PATH
from llama_runner.facades.anthropic.tongue import MessagesTongue
from llama_runner.relay.relay import RelayRoute
from llama_runner.relay.relay_request import Task

MESSAGES = RelayRoute(PATH, Task.CHAT, AnthropicDialect(), MessagesTongue())
