"""GGUF files that only Ollama's own engine can load."""

from __future__ import annotations

from llama_runner.catalog.facts import FileFacts

# Ollama's converter has names of its own for these; llama.cpp knows them by others, or not at all.
_ITS_OWN = frozenset({"deepseekocr", "glm4moelite", "glmocr", "gptoss", "mllama", "qwen25vl"})


def why_ollama_only(facts: FileFacts) -> str | None:
    """Return why llama.cpp cannot load a file of Ollama's, or None if nothing speaks against it.

    A name that neither knows is left to the engine, which may be newer than this table.
    """
    if facts.architecture in _ITS_OWN:
        return f"its architecture {facts.architecture} is a form of Ollama's, unknown to llama.cpp"
    if facts.packs_vision:
        return "it has its projector in the same file, a form of Ollama's; llama.cpp wants two"
    return None
