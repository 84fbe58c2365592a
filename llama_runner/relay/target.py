"""What a model's name in a request stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


@frozen
class Target:
    """The model that serves a request.

    ``spec`` is the lender's own word for it; ``request_defaults`` fill in
    what the client left out.
    """

    model: str
    spec: Any
    request_defaults: Mapping[str, Any] = field(factory=dict)
