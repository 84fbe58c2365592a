"""``show`` against a scripted port."""

from __future__ import annotations

import json

import pytest

from tests.support.scripted_ollama import SHOWN

SUMMARY = """\
  Model
    architecture      llama
    parameters        134.52M
    context length    8192
    quantization      Q8_0

  Capabilities
    completion
    vision

  Parameters
    stop    "a"
    stop    "b"

  System
    You are brief.

  License
    Apache License
    Version 2.0
    ...
"""


def test_a_model_is_told_as_ollama_does(ollama, command, capsys):
    assert command("show", "x") == 0
    assert capsys.readouterr().out == SUMMARY
    assert ollama.bodies("/api/show") == [{"model": "x"}]


@pytest.mark.parametrize("part", ["modelfile", "parameters", "system", "template", "license"])
def test_one_part_is_told_alone(ollama, command, capsys, part):
    assert command("show", "x", f"--{part}") == 0
    assert capsys.readouterr().out == SHOWN[part] + "\n"


def test_json_is_the_whole_answer_or_the_part(ollama, command, capsys):
    assert command("show", "x", "--json") == 0
    assert json.loads(capsys.readouterr().out) == SHOWN
    assert command("show", "x", "--json", "--system") == 0
    assert json.loads(capsys.readouterr().out) == {"system": "You are brief."}


def test_two_parts_are_a_mistake(ollama, command, capsys):
    assert command("show", "x", "--system", "--license") == 2
    assert "--system and --license" in capsys.readouterr().err
    assert ollama.asked == []
