"""What requests to ``/api/chat`` and ``/api/generate`` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from llama_runner.errors import BadRequest, EngineRefused
from llama_runner.facades.ollama.formats import read_format
from llama_runner.facades.ollama.go_json import ANY, Kind
from llama_runner.facades.ollama.keep_alive import keep_alive_of
from llama_runner.facades.ollama.logprobs import read_top
from llama_runner.facades.ollama.names import full_name
from llama_runner.facades.ollama.options import engine_fields, read_options
from llama_runner.facades.ollama.shortening import excess
from llama_runner.facades.ollama.thinking import Think, read_think
from llama_runner.facades.ollama.wanted_context import wanted_context
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.schemas import refuse_unbearable_schemas
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Wish
from llama_runner.wire.long_strings import Aside

COMMON_KINDS: Mapping[str, Kind] = {
    **{"model": "string", "stream": "bool", "format": ANY, "keep_alive": ANY},
    **{"options": "object", "think": ANY, "truncate": "bool", "shift": "bool"},
    **{"logprobs": "bool", "top_logprobs": "number"},
}


@frozen
class Wanted:
    """How an answer is to be made, whatever it is to tell."""

    shown_model: str
    streams: bool
    keep_alive: float | None
    think: Think
    truncates: bool
    logprobs: bool
    top_logprobs: int
    _options: Mapping[str, Any]
    _format: Any

    @property
    def model(self) -> str:
        """The name of the model, less the blanks around it."""
        return self.shown_model.strip()

    @property
    def context(self) -> int | None:
        """How many tokens the model is wanted to hold; raises BadRequest if it is no number."""
        return wanted_context(self._options)

    def wish(self, *, asks: bool) -> Wish:
        """Return what is to be done if something is asked, or nothing is."""
        if asks:
            return Wish.ANSWER
        return Wish.UNLOAD if self.keep_alive == 0 else Wish.LOAD

    def engine_options(self, target: Target) -> dict[str, Any]:
        """Return the sampling options for the engine.

        Raises:
            BadRequest: one has the wrong type.

        """
        options = read_options(self._options)
        return engine_fields(options, target.request_defaults, target.context)

    def schema(self) -> dict[str, Any] | None:
        """Return the schema that the answer must follow, if any.

        Raises:
            BadRequest: it is none.

        """
        return read_format(self._format)

    def request(
        self, task: Task, fields: Mapping[str, Any], aside: Aside, *, streams: bool
    ) -> RelayRequest:
        """Return the request that has the engine do a task.

        Raises:
            BadRequest: ``num_ctx`` is no number, or the engine would hang on a schema.

        """
        refuse_unbearable_schemas({"format": self._format, "tools": fields.get("tools")})
        return RelayRequest(
            task,
            self.model,
            fields,
            streams,
            choices=1,
            wants_progress=False,
            aside=aside,
            keep_alive=self.keep_alive,
            context=self.context,
        )

    def excess(self, error: EngineRefused) -> float | None:
        """Return which part of a prompt that was refused is to go; None if it may not be cut."""
        return excess(error) if self.truncates else None

    def check(self, target: Target, task: str, *needs: str) -> None:
        """Raise BadRequest for what the model cannot do; thinking is looked at first."""
        name, can = self.shown_model, target.capabilities
        if self.think and "thinking" not in can:
            raise BadRequest(f'"{name}" does not support thinking')
        if "completion" not in can:
            raise BadRequest(f'"{name}" does not support {task}')
        missing = [need for need in needs if need not in can]
        if missing:
            raise BadRequest(f"{full_name(self.model)} does not support " + "\n".join(missing))


def read_wanted(fields: Mapping[str, Any]) -> Wanted:
    """Return what the common fields of a request say.

    Raises:
        BadRequest: in Ollama's words.

    """
    return Wanted(
        fields.get("model", ""),
        fields.get("stream", True),
        keep_alive_of(fields.get("keep_alive")),
        read_think(fields.get("think")),
        fields.get("truncate", True),
        fields.get("logprobs", False),
        read_top(fields.get("top_logprobs", 0)),
        fields.get("options", {}),
        fields.get("format"),
    )
