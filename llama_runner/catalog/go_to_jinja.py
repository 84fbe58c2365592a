"""Says in Jinja, which the engine renders, what a Go template of Ollama's says.

What can be said are the templates of one turn: text, ``.System``, ``.Prompt``,
``.Response``, ``if`` (also of several, with ``and``), ``else`` and ``end``, the answer outside
of any ``if``. Turns are put together as Ollama does it (its ``template/template.go``,
``Execute``). Those that walk through ``.Messages`` belong to models whose files have a
template of their own.
"""

from __future__ import annotations

import json
import re

from llama_runner.catalog.go_pieces import pieces_of

_IF = re.compile(r"(else )?if (?:and )?((?:\.(?:System|Prompt) ?)+)")
_NAMES = {".System": "system", ".Prompt": "prompt"}
_JINJA = re.compile(r"\{%|\{\{-?\s*(?:messages|bos_token|raise_exception)\b")

_FRAME = """\
{%%- macro begin(system, prompt) -%%}%s{%%- endmacro -%%}
{%%- macro rest(system, prompt) -%%}%s{%%- endmacro -%%}
{%%- set turn = namespace(system='', prompt='', response='') -%%}
{%%- for message in messages -%%}
{%%- set said = message['content'] if message['content'] is string else '' -%%}
{%%- set role = message['role'] -%%}
{%%- set ends = turn.response != '' or (role == 'system' and turn.prompt != '') -%%}
{%%- if role in ['system', 'user'] and ends -%%}
{{- begin(turn.system, turn.prompt) -}}{{- turn.response -}}{{- rest(turn.system, turn.prompt) -}}
{%%- set turn.system = '' -%%}{%%- set turn.prompt = '' -%%}{%%- set turn.response = '' -%%}
{%%- endif -%%}
{%%- if role == 'system' -%%}{%%- set turn.system = said -%%}
{%%- elif role == 'user' -%%}{%%- set turn.prompt = said -%%}
{%%- elif role == 'assistant' -%%}{%%- set turn.response = said -%%}
{%%- endif -%%}
{%%- endfor -%%}
{{- begin(turn.system, turn.prompt) -}}
{%%- if turn.response -%%}
{{- turn.response -}}
{%%- if not add_generation_prompt -%%}{{- rest(turn.system, turn.prompt) -}}{%%- endif -%%}
{%%- endif -%%}
"""


class NotTranslated(Exception):
    """A template says what cannot be said in Jinja here; the text names it."""


def is_jinja(template: str) -> bool:
    """Tell whether a template is one of Jinja, not of Go."""
    return _JINJA.search(template) is not None


def template_for(told: str, own: str | None) -> str:
    """Return the template that stands in for one that a model's file lacks, or nothing.

    It is what its store told of it, if that can be said in Jinja.
    """
    if own or not told:
        return ""
    try:
        return told if is_jinja(told) else jinja_of(told)
    except NotTranslated:
        return ""


def jinja_of(template: str) -> str:
    """Return what a Go template says, in Jinja.

    Raises:
        NotTranslated: it cannot be said, or is no template.

    """
    begin: list[str] = []
    rest: list[str] | None = None
    depth = 0
    for kind, told in pieces_of(template):
        into = begin if rest is None else rest
        if kind == "text":
            into.append(f"{{{{- {json.dumps(told)} -}}}}" if told else "")
        elif told == ".Response":
            if depth or rest is not None:
                raise NotTranslated("{{ .Response }} within an if, or twice")
            rest = []
        elif told in _NAMES:
            into.append(f"{{{{- {_NAMES[told]} -}}}}")
        elif found := _IF.fullmatch(told):
            names = " and ".join(_NAMES[name] for name in found[2].split())
            depth += 0 if found[1] else 1
            into.append(f"{{%- {'elif' if found[1] else 'if'} {names} -%}}")
        elif told in ("else", "end") and depth:
            depth -= told == "end"
            into.append("{%- else -%}" if told == "else" else "{%- endif -%}")
        elif not told.startswith("/*"):
            raise NotTranslated(f"{{{{ {told[:60]} }}}}")
    if depth:
        raise NotTranslated("an if without its end")
    return _FRAME % ("".join(begin), "".join(rest or ()))
