"""What is raised of a manifest that is of no use, be it ours or Ollama's."""

from __future__ import annotations


class BadManifest(Exception):
    """A manifest cannot be used; its text says why, to follow "it"."""
