"""Anthropic's Messages API, as the relay needs it."""
