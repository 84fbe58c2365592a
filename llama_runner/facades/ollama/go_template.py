"""Fills in the Go templates that requests to ``/api/generate`` may bring.

Those in real use put the instructions, the prompt and the answer between the marks of a
model: ``{{ .System }}``, ``{{ .Prompt }}``, ``{{ .Response }}``, ``{{ if .System }} …
{{ else }} … {{ end }}``, and ``-`` within the braces takes blanks away (Go's
``text/template``). Nothing else is filled in; models have templates of their own for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import define, field

from llama_runner.catalog.go_pieces import pieces_of
from llama_runner.errors import BadRequest, shortened

_CONDITION = re.compile(r"(?:if|else if) (?:and )?((?:\.\w+ ?)+)")
_RESPONSE = ".Response"


class _Answer(Exception):
    """The place of the answer is reached; what follows it is the model's to say."""


@define(eq=False)
class _Branch:
    """One ``if``: whether what stands here is told, and whether something of it was."""

    told: bool
    done: bool


@define(eq=False)
class _Filling:
    """One template being filled in."""

    _values: Mapping[str, str]
    _text: list[str] = field(factory=list, init=False)
    _branches: list[_Branch] = field(factory=list, init=False)

    def text(self, text: str) -> None:
        """Take what stands between two actions."""
        if all(branch.told for branch in self._branches):
            self._text.append(text)

    def action(self, action: str) -> None:
        """Take what stands between braces.

        Raises:
            BadRequest: it is nothing that can be filled in.

        """
        if action in self._values:
            self.text(self._values[action])
        elif action == _RESPONSE:
            if all(branch.told for branch in self._branches):
                raise _Answer
        elif action.startswith("if ") and (found := _CONDITION.fullmatch(action)):
            holds = self._holds(found.group(1))
            self._branches.append(_Branch(holds, holds))
        elif self._branches and action == "else":
            branch = self._branches[-1]
            branch.told, branch.done = not branch.done, True
        elif self._branches and (found := _CONDITION.fullmatch(action)):
            branch = self._branches[-1]
            branch.told = not branch.done and self._holds(found.group(1))
            branch.done = branch.done or branch.told
        elif self._branches and action == "end":
            self._branches.pop()
        elif not action.startswith("/*"):
            shown = shortened(f"{{{{ {action} }}}}")
            message = f"template: {shown} cannot be filled in here; expected .System, .Prompt"
            raise BadRequest(f"{message}, .Response, if, else and end only")

    def _holds(self, names: str) -> bool:
        known = {**self._values, _RESPONSE: ""}
        unknown = [name for name in names.split() if name not in known]
        if unknown:
            raise BadRequest(f"template: {shortened(unknown[0])} is not known here")
        return all(known[name] for name in names.split())

    def whole(self) -> str:
        """Return what was filled in."""
        return "".join(self._text)


def fill_in(template: str, *, system: str, prompt: str) -> str:
    """Return the text that a model is to continue.

    Raises:
        BadRequest: the template holds what cannot be filled in.

    """
    filling = _Filling({".System": system, ".Prompt": prompt})
    try:
        for kind, told in pieces_of(template):
            (filling.text if kind == "text" else filling.action)(told)
    except _Answer:
        pass
    return filling.whole()
