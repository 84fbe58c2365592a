"""Go templates said in Jinja, rendered as the engine does; what cannot be said is told."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from llama_runner.catalog.go_to_jinja import NotTranslated, is_jinja, jinja_of, template_for

CHATML = (
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}"
    "{{ if .Prompt }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}"
    "<|im_start|>assistant\n{{ .Response }}<|im_end|>\n"
)
LLAMA_2 = "[INST] {{ if .System }}<<SYS>>{{ .System }}<</SYS>>\n\n{{ end }}{{ .Prompt }} [/INST]"
ALPACA = "{{- if .System }}\n{{ .System }}\n{{- end }}\n\n### Instruction:\n{{ .Prompt }}\n"


def render(template: str, *said: tuple[str, str]) -> str:
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    messages = [{"role": role, "content": text} for role, text in said]
    translated = environment.from_string(jinja_of(template))
    return translated.render(messages=messages, add_generation_prompt=True)


TALK = (("system", 'S "é"'), ("user", "U1"), ("assistant", "A1"), ("user", "U2"))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            CHATML,
            '<|im_start|>system\nS "é"<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n'
            "<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>user\nU2<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (LLAMA_2, '[INST] <<SYS>>S "é"<</SYS>>\n\nU1 [/INST]A1[INST] U2 [/INST]'),
        (ALPACA, '\nS "é"\n\n### Instruction:\nU1\nA1\n\n### Instruction:\nU2\n'),
        ("{{ .Prompt }}", "U1A1U2"),
        ("{{/* nothing */}}<{{ .Prompt }}>{{ .Response }};", "<U1>A1;<U2>"),
        (
            "{{ if and .System .Prompt }}both{{ else if .Prompt }}one{{ else }}none{{ end }}",
            "bothA1one",
        ),
    ],
)
def test_turns_are_put_together_as_ollama_does(template: str, expected: str) -> None:
    assert render(template, *TALK) == expected


def test_an_answer_that_was_begun_is_gone_on_with() -> None:
    assert render(CHATML, ("user", "U"), ("assistant", "A")).endswith("assistant\nA")


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ range .Messages }}{{ end }}", "range .Messages"),
        ("{{ if .Tools }}x{{ end }}", "if .Tools"),
        ("{{ if .Prompt }}{{ .Response }}{{ end }}", "within an if"),
        ("{{ if .Prompt }}x", "without its end"),
        ("{{ end }}", "end"),
    ],
)
def test_what_cannot_be_said_is_named(template: str, told: str) -> None:
    with pytest.raises(NotTranslated, match=told):
        jinja_of(template)


def test_a_file_that_has_a_template_keeps_it() -> None:
    assert template_for(CHATML, "{{ own }}") == ""
    assert template_for("", None) == template_for("{{ range .Messages }}", None) == ""
    assert template_for(CHATML, None) == jinja_of(CHATML)
    assert template_for("{% for m in messages %}{% endfor %}", None).startswith("{% for")


def test_jinja_is_told_from_go() -> None:
    assert is_jinja("{{ bos_token }}x") and is_jinja("{%- if messages %}")
    assert not is_jinja(CHATML) and not is_jinja(LLAMA_2)
