"""Who keeps models loaded, and lets them go, without a request to their engine."""

from __future__ import annotations

from typing import Any, Protocol

from llama_runner.relay.relay_request import RelayRequest


class Keeper(Protocol):
    """Does so for the ``spec`` of a target."""

    def stays(self, spec: Any, request: RelayRequest) -> bool:
        """Have a model that is loaded as the request wants it stay for as long as it says.

        False: it is not, and must be waited for.
        """
        ...

    def let_go(self, spec: Any) -> object:
        """Begin to unload a model: once it is idle, and nothing if it is not loaded."""
        ...
