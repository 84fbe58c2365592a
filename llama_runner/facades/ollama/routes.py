"""Ollama's own routes that are relayed to the engine."""

from __future__ import annotations

from llama_runner.facades.ollama.chat import ChatTongue
from llama_runner.facades.ollama.chat_errors import chat_error
from llama_runner.facades.ollama.dialect import OllamaDialect
from llama_runner.facades.ollama.embed import EmbeddingsTongue, EmbedTongue
from llama_runner.facades.ollama.embed_errors import embed_error, embeddings_error
from llama_runner.facades.ollama.generate import GenerateTongue
from llama_runner.relay.relay import RelayRoute
from llama_runner.relay.relay_request import Task

RELAYED = (
    RelayRoute("/api/chat", Task.CHAT, OllamaDialect(chat_error), ChatTongue()),
    RelayRoute("/api/generate", Task.CHAT, OllamaDialect(chat_error), GenerateTongue()),
    RelayRoute("/api/embed", Task.EMBEDDING, OllamaDialect(embed_error), EmbedTongue()),
    RelayRoute(
        "/api/embeddings", Task.EMBEDDING, OllamaDialect(embeddings_error), EmbeddingsTongue()
    ),
)
