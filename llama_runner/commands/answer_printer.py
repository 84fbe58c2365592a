"""Prints an answer as it comes: what the model thinks dimmed, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from llama_runner.platforms.console_text import DIM, PLAIN

# A model must not be able to command the terminal; line ends and tabs are text.
_HARMLESS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


@define(eq=False)
class AnswerPrinter:
    """Takes the lines of one answer of ``/api/chat``; ``terminal`` tells where they are shown."""

    _write: Callable[[str], None]
    terminal: bool
    hide_thinking: bool = False
    content: str = field(default="", init=False)
    """What the model has said so far."""
    _thinks: bool = field(default=False, init=False)

    def take(self, line: Mapping[str, Any]) -> None:
        """Print what one line holds."""
        message = line.get("message") or {}
        if message.get("thinking") and not self.hide_thinking:
            self._print_thinking(str(message["thinking"]))
        if message.get("content"):
            self._end_thinking()
            self.content += message["content"]
            self._write(self._shown(message["content"]))

    def end(self) -> None:
        """End the answer's last line."""
        self._end_thinking()
        if self.content and not self.content.endswith("\n"):
            self._write("\n")

    def _print_thinking(self, text: str) -> None:
        if not self._thinks:
            self._thinks = True
            self._write(f"{DIM if self.terminal else ''}Thinking...\n")
        self._write(self._shown(text))

    def _end_thinking(self) -> None:
        if self._thinks:
            self._thinks = False
            self._write(f"\n...done thinking.{PLAIN if self.terminal else ''}\n\n")

    def _shown(self, text: str) -> str:
        return text.translate(_HARMLESS) if self.terminal else text
