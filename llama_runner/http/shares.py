"""What the clients of one listener hold of it at the moment, and how much they may."""

from __future__ import annotations

from attrs import frozen

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.body_room import BodyRoom
from llama_runner.http.tally import Tally

EVERYBODY = ""
"""The name under which is counted what all clients share."""


@frozen
class Shares:
    """``requests`` in progress by client, ``websockets`` that are open, ``bodies`` in bytes."""

    requests: Tally
    websockets: Tally
    bodies: BodyRoom

    @classmethod
    def within(cls, limits: LimitsConfig) -> Shares:
        """Return what nobody holds anything of yet."""
        return cls(
            Tally(limits.max_requests_per_client),
            Tally(limits.max_websockets),
            # Never less than one body may have, or it could not be served at all.
            BodyRoom(max(limits.total_body_bytes, limits.max_body_bytes)),
        )
