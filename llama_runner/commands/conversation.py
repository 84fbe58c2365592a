"""A chat as the command line keeps it: what was said, and how it is to go on."""

from __future__ import annotations

from typing import Any

from attrs import define, field


@define(eq=False)
class Conversation:
    """Messages with one model, and the settings that go with each request."""

    model: str
    system: str | None = None
    options: dict[str, Any] = field(factory=dict)
    format: str | None = None
    think: bool | str | None = None
    messages: list[dict[str, Any]] = field(factory=list, init=False)

    def ask(self, prompt: str, pictures: tuple[str, ...] = ()) -> None:
        """Add what the user says."""
        images = {"images": list(pictures)} if pictures else {}
        self.messages.append({"role": "user", "content": prompt, **images})

    def hear(self, content: str) -> None:
        """Add what the model has answered, be it whole or not."""
        self.messages.append({"role": "assistant", "content": content})

    def take_back(self) -> None:
        """Forget what was asked last, since there was no answer to it."""
        self.messages.pop()

    def clear(self) -> None:
        """Forget what was said; settings stay."""
        self.messages.clear()

    def request(self) -> dict[str, Any]:
        """Return the body for ``/api/chat``."""
        first = [{"role": "system", "content": self.system}] if self.system is not None else []
        fields: dict[str, Any] = {"model": self.model, "messages": [*first, *self.messages]}
        if self.options:
            fields["options"] = dict(self.options)
        if self.format is not None:
            fields["format"] = self.format
        if self.think is not None:
            fields["think"] = self.think
        return fields


def read_think(text: str | None) -> bool | str | None:
    """Return what ``--think`` stands for in a request."""
    return {"true": True, "false": False}.get(text, text) if text is not None else None
