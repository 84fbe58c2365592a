"""Serve local GGUF models behind the LM Studio and Ollama APIs."""

__version__ = "0.1.0"
