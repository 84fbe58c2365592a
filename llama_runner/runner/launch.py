"""Everything needed to start one llama-server."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Launch:
    """One way to start one child: what to run, where it will listen, how long it may take.

    ``environment`` is the child's whole environment, built for it and not
    inherited. It holds the key, so neither is ever printed.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    host: str = "127.0.0.1"
    port: int
    api_key: str = field(repr=False)
    slots: int = 1
    context_length: int | None = None
    """The context asked for in all, to be compared with what the child made of it."""
    ready_within: float = 300.0
    name: str
    """The model key, for logs."""

    @property
    def endpoint(self) -> str:
        """The child's base address."""
        return f"http://{self.host}:{self.port}"
