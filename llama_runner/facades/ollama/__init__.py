"""Ollama's port."""
