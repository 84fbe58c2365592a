"""What a listener serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from attrs import field, frozen

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.access import Access
from llama_runner.http.answer import Answer
from llama_runner.http.application import Application
from llama_runner.wire.body import Body
from llama_runner.wire.request_head import RequestHead

JSON = "application/json"

RelayHandler = Callable[[Body, Answer], Awaitable[None]]
Pieces = AsyncIterator[bytes]
UploadHandler = Callable[[str, "int | None", Pieces, Answer], Awaitable[None]]
"""(what follows the prefix, length if told, body, answer); takes the body as it comes.

What it has not taken of the body when it answers is not read, and ends the connection.
"""
Refusal = Callable[[int, str, str | None, str], bytes]
"""(status, message, code, path) → the JSON body that says so in the listener's dialect.

The path is empty where none was read.
"""


@frozen
class Site:
    """What one listener serves, and by which rules."""

    application: Application
    relay_routes: Mapping[tuple[str, str], RelayHandler]
    access: Access
    limits: LimitsConfig
    refusal: Refusal
    uploads: Mapping[str, UploadHandler] = field(factory=dict)
    """By the beginning of their paths; all are POST, and their bodies of any length."""

    def upload(self, head: RequestHead) -> tuple[UploadHandler, str] | None:
        """Return what takes the body of a request as it comes, if anything does."""
        if not self.uploads or head.method != "POST":
            return None
        prefix, slash, rest = head.path.rpartition("/")
        handler = self.uploads.get(prefix + slash)
        return None if handler is None else (handler, rest)
