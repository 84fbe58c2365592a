"""One answer of a model: asked for, waited for and printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from llama_runner.commands.answer_printer import AnswerPrinter
from llama_runner.commands.conversation import Conversation
from llama_runner.commands.ollama_port import Line, OllamaPort, with_port
from llama_runner.commands.waiting import waiting
from llama_runner.config.options import Options
from llama_runner.platforms.console_text import heeds_sequences


def load(options: Options, conversation: Conversation) -> None:
    """Have the model loaded, and wait until it is.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: it cannot be loaded, and why.

    """
    name = conversation.model
    fields = {"model": name, "options": conversation.options}

    async def ask(port: OllamaPort) -> None:
        async with waiting(f"loading {name}"):
            await port.ask("POST", "/api/generate", fields)

    with_port(options, ask)


def answer(options: Options, conversation: Conversation) -> None:
    """Print the answer to what was asked last, and keep it; Ctrl-C stops it and is raised.

    What has come of it until then is kept too. If nothing has, the question is forgotten.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: it would not answer, and why.

    """
    printer = AnswerPrinter(_print, heeds_sequences(sys.stdout), options.hide_thinking)
    try:
        if options.json:
            with_port(options, _asked(conversation, _print_line))
        else:
            with_port(options, _asked(conversation, printer.take))
    finally:
        printer.end()
        if printer.content:
            conversation.hear(printer.content)
        else:
            conversation.take_back()


def _asked(conversation: Conversation, take: Callable[[Line], None]) -> Callable[[OllamaPort], Any]:
    async def ask(port: OllamaPort) -> None:
        async with waiting(f"waiting for {conversation.model}") as end_waiting:

            def show(line: Line) -> None:
                end_waiting()
                take(line)

            await port.each_line("/api/chat", conversation.request(), show)

    return ask


def _print_line(line: Mapping[str, Any]) -> None:
    _print(json.dumps(line) + "\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
