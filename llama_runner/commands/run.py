"""``run``: chat with a model on a terminal, or have one prompt answered."""

from __future__ import annotations

import sys
from functools import partial

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.answering import answer, load
from llama_runner.commands.chat import Chat
from llama_runner.commands.conversation import Conversation, read_think
from llama_runner.commands.pictures import read_picture, with_pictures
from llama_runner.commands.show import shown
from llama_runner.errors import ConfigError
from llama_runner.platforms.console_text import (
    allow_editing,
    is_terminal,
    ready_streams,
    silence,
)


def run(options: Options) -> ExitCode:
    """Answer the prompt that is given or piped in; without one, chat until the user ends it.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model, or it does not answer.
        ConfigError: a picture cannot be read, or JSON is wanted of a chat.

    """
    ready_streams()
    typed = is_terminal(sys.stdin)
    if typed and not options.words and options.json:
        raise ConfigError("command line", ("--json: expected a prompt behind the model",))
    piped = "" if typed else sys.stdin.read()
    pictures = tuple(read_picture(path) for path in options.image)
    conversation = Conversation(
        options.model or "", format=options.format, think=read_think(options.think)
    )
    sees = "vision" in shown(options).get("capabilities", ())
    if pictures and not sees:
        raise ConfigError("command line", (f"--image: {conversation.model} sees no pictures",))
    if typed and not options.words:
        _chat(options, conversation, pictures, sees=sees)
    else:
        prompt = "\n".join(filter(None, (piped.rstrip("\n"), " ".join(options.words))))
        _answer_once(options, conversation, prompt, pictures, sees=sees)
    return ExitCode.NORMAL


def _answer_once(
    options: Options,
    conversation: Conversation,
    prompt: str,
    pictures: tuple[str, ...],
    *,
    sees: bool,
) -> None:
    if not prompt:
        load(options, conversation)
        return
    text, more = with_pictures(prompt) if sees else (prompt, ())
    conversation.ask(text, (*pictures, *more))
    try:
        answer(options, conversation)
    except BrokenPipeError:
        silence(sys.stdout)


def _chat(
    options: Options, conversation: Conversation, pictures: tuple[str, ...], *, sees: bool
) -> None:
    allow_editing()
    load(options, conversation)
    first = list(pictures)

    def ask(held: Conversation) -> None:
        if first:
            held.messages[-1].setdefault("images", []).extend(first)
            first.clear()
        answer(options, held)

    Chat(conversation, sees, input, print, ask, partial(shown, options)).hold()
