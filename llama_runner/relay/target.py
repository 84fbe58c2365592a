"""What a model's name in a request stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from llama_runner.errors import BadRequest
from llama_runner.relay.relay_request import Task


@frozen
class Target:
    """The model that serves a request.

    ``spec`` is the lender's own word for it; ``request_defaults`` fill in
    what the client left out; ``tasks`` is what the model can be asked for, and
    ``capabilities`` what it can do, in Ollama's words. One request has ``context`` tokens,
    prompt and answer together; 0 if that is not known. ``system`` and ``messages`` begin a
    conversation on the routes that say so, where a request has no system prompt of its own.
    """

    model: str
    spec: Any
    request_defaults: Mapping[str, Any] = field(factory=dict)
    tasks: tuple[Task, ...] = tuple(Task)
    capabilities: frozenset[str] = frozenset()
    context: int = 0
    system: str = ""
    messages: tuple[Mapping[str, Any], ...] = ()

    @property
    def template_fields(self) -> dict[str, Any]:
        """What the model's template is told where a request says nothing else."""
        configured = self.request_defaults.get("chat_template_kwargs")
        return {**configured} if isinstance(configured, dict) else {}

    def refuse_unless_it_does(self, task: Task) -> None:
        """Raise BadRequest for what the model cannot do, before anything is loaded for it."""
        if task in self.tasks:
            return
        routes = (
            ", ".join(sorted(task.value for task in self.tasks if task.is_route))
            or "none of these routes"
        )
        message = f"{self.model} does not serve {task.value}; it serves {routes}"
        raise BadRequest(message, param="model", code="not_supported")
