"""What a message carries."""

from __future__ import annotations

from typing import TypeAlias

Body: TypeAlias = bytes | bytearray
"""A whole body. One that came in many pieces is not copied once more only to be immutable."""
