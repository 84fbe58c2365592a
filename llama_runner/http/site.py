"""What a listener serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import frozen

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.access import Access
from llama_runner.http.answer import Answer
from llama_runner.http.application import Application
from llama_runner.wire.body import Body

JSON = "application/json"

RelayHandler = Callable[[Body, Answer], Awaitable[None]]
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
