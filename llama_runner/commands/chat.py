"""A chat on a terminal: reads what the user types, and does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define


from llama_runner.commands.conversation import Conversation
from llama_runner.commands.pictures import with_pictures
from llama_runner.commands.settings import read_parameter
from llama_runner.commands.show import PARTS, summary
from llama_runner.errors import LlamaRunnerError

QUOTES = '"""'
HELP = f"""\
/set system TEXT             say what the model is to be
/set parameter NAME VALUE    set an option, such as temperature
/set think [VALUE]           have it think: true, low, medium, high or max
/set nothink                 have it not think
/set format json             have it answer in JSON; /set noformat no longer
/show [{' | '.join(('info', *PARTS))}]
/clear                       forget what was said
/bye                         end the chat; so does Ctrl-D
{QUOTES} begins and ends a text of several lines. Ctrl-C stops an answer."""


@define(eq=False)
class Chat:
    """One chat; ``read`` gives a line to a prompt, ``answer`` prints what the model says.

    ``show`` returns what ``/api/show`` tells of the model.
    """

    conversation: Conversation
    sees: bool
    read: Callable[[str], str]
    say: Callable[[str], None]
    answer: Callable[[Conversation], None]
    show: Callable[[], dict[str, Any]]

    def hold(self) -> None:
        """Go on until the user ends it."""
        while True:
            try:
                text = self._text()
            except EOFError:
                self.say("")
                return
            except KeyboardInterrupt:
                self.say("\nCtrl-D or /bye ends the chat")
                continue
            if text.strip() in ("/bye", "/exit"):
                return
            try:
                self._heed(text)
            except KeyboardInterrupt:
                self.say("\n(stopped)")
            except LlamaRunnerError as error:
                self.say(f"error: {error}")

    def _text(self) -> str:
        """Return a line, or the lines between three quotes."""
        line = self.read(">>> ")
        before, quotes, rest = line.partition(QUOTES)
        if not quotes or (before.strip() and not before.startswith("/")):
            return line
        lines = [rest]
        while QUOTES not in lines[-1]:
            lines.append(self.read("... "))
        return before + "\n".join(lines).partition(QUOTES)[0]

    def _heed(self, text: str) -> None:
        command, _, rest = text.strip().partition(" ")
        match command:
            case "":
                return
            case "/clear":
                self.conversation.clear()
                self.say("what was said is forgotten")
            case "/set":
                self._set(rest.strip())
            case "/show":
                self._show(rest.strip() or "info")
            case "/?" | "/help":
                self.say(HELP)
            case word if word.startswith("/") and "/" not in word[1:] and "." not in word:
                self.say(f"{word} is not a command; /? lists them")
            case _:
                self._ask(text)

    def _ask(self, text: str) -> None:
        prompt, pictures = with_pictures(text) if self.sees else (text, ())
        self.conversation.ask(prompt, pictures)
        self.answer(self.conversation)

    def _set(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        rest = rest.strip()
        match word:
            case "system" if rest:
                self.conversation.system = rest
            case "parameter" if rest:
                name, *words = rest.split()
                self.conversation.options[name] = read_parameter(name, words)
            case "think" if rest in ("", "true", "low", "medium", "high", "max"):
                self.conversation.think = rest if rest not in ("", "true") else True
            case "nothink":
                self.conversation.think = False
            case "format" if rest == "json":
                self.conversation.format = rest
            case "noformat":
                self.conversation.format = None
            case _:
                self.say("expected one of these:\n" + "\n".join(HELP.splitlines()[:5]))
                return
        self.say("set")

    def _show(self, part: str) -> None:
        if part not in ("info", *PARTS):
            self.say(f"expected /show {' | '.join(('info', *PARTS))}")
            return
        fields = self.show()
        told = summary(fields) if part == "info" else str(fields.get(part) or "")
        if part == "system" and self.conversation.system is not None:
            told = self.conversation.system
        if part == "parameters" and self.conversation.options:
            mine = [f"{name:<30} {value}" for name, value in self.conversation.options.items()]
            told = "\n".join(filter(None, (told, "set in this chat:", *mine)))
        self.say(told or f"the model has no {part}")
