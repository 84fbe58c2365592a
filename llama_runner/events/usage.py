"""What one answer cost the engine."""

from __future__ import annotations

from attrs import frozen


@frozen
class Usage:
    """Tokens and times of one answer, as the engine counted them.

    ``prompt_tokens`` counts the whole prompt, ``cached_tokens`` the part of it
    that came from the prompt cache. Times are in milliseconds.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    prompt_ms: float = 0.0
    predicted_ms: float = 0.0
