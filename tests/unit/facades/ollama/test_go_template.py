from __future__ import annotations

import pytest

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.go_template import fill_in

CHATML = """{{ if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}{{ if .Prompt }}<|im_start|>user
{{ .Prompt }}<|im_end|>
{{ end }}<|im_start|>assistant
{{ .Response }}<|im_end|>
"""
LLAMA2 = "[INST] <<SYS>>{{ .System }}<</SYS>>\n\n{{ .Prompt }} [/INST] {{ .Response }}"
ALPACA = """{{- if .System }}{{ .System }}

{{ end }}
{{- if .Prompt }}### Instruction:
{{ .Prompt }}

{{ end }}### Response:
{{ .Response }}
"""


@pytest.mark.parametrize(
    ("template", "system", "text"),
    [
        ("{{ .Prompt }}", "", "Hi"),
        ("{{.Prompt}}", "S", "Hi"),
        (CHATML, "", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"),
        (
            *(CHATML, "S"),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (LLAMA2, "S", "[INST] <<SYS>>S<</SYS>>\n\nHi [/INST] "),
        (ALPACA, "S", "S\n\n### Instruction:\nHi\n\n### Response:\n"),
        (ALPACA, "", "### Instruction:\nHi\n\n### Response:\n"),
        ("{{ if .System }}a{{ else }}b{{ end }}{{ .Prompt }}", "", "bHi"),
        ("{{ if .System }}a{{ else if .Prompt }}b{{ else }}c{{ end }}", "", "b"),
        ("{{ if .System }}a{{ else if .Prompt }}b{{ else }}c{{ end }}", "S", "a"),
        ("{{ if .System }}{{ if .Prompt }}x{{ end }}y{{ end }}z", "", "z"),
        ("{{ if and .System .Prompt }}x{{ end }}y", "S", "xy"),
        ("a {{- /* a note */ -}} b", "", "ab"),
        ("no braces", "", "no braces"),
    ],
)
def test_templates_in_real_use_are_filled_in(template: str, system: str, text: str) -> None:
    assert fill_in(template, system=system, prompt="Hi") == text


def test_what_is_filled_in_is_no_template() -> None:
    assert fill_in("{{ .Prompt }}", system="", prompt="{{ .System }}") == "{{ .System }}"


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("{{ range .Messages }}{{ .Role }}{{ end }}", "range .Messages"),
        ("{{ .Suffix }}", ".Suffix"),
        ("{{ if .Tools }}x{{ end }}", ".Tools"),
        ("{{ end }}", "end"),
        ("{{ else }}", "else"),
        ("{% for m in messages %}{{ m.content }}{% endfor %}", "m.content"),
    ],
)
def test_what_cannot_be_filled_in_is_named(template: str, named: str) -> None:
    with pytest.raises(BadRequest, match="^template: ") as refused:
        fill_in(template, system="", prompt="Hi")
    assert named in str(refused.value)
