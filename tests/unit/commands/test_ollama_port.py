"""What the commands say when the port does not do what they ask."""

from __future__ import annotations

import json

import pytest

from llama_runner.commands.running import claimed

COMMANDS = (["run", "x", "hi"], ["show", "x"], ["pull", "x"], ["rm", "x"], ["cp", "x", "y"])


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_without_a_program_that_serves_that_is_said(command, capsys, words):
    assert command(*words) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "nothing is serving; main.py start does\n")


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_port_that_is_off_is_said(command, capsys, tmp_path, words):
    with claimed(tmp_path, "key") as claim:
        claim.note({"ollama": None, "dashboard": "http://127.0.0.1:1"})
        assert command(*words) == 1
    assert capsys.readouterr().err == "its Ollama port is off, and this command needs it\n"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("smolm2:135m", "did you mean smollm2:135m?"),
        ("Mistrl", "did you mean mistral?"),
        ("zzz", "there are smollm2:135m, mistral"),
    ],
)
def test_an_unknown_model_is_told_with_the_nearest_names(ollama, command, capsys, name, meant):
    ollama.answers["/api/show"] = (404, [{"error": f"model '{name}' not found"}])
    assert command("show", name) == 1
    assert capsys.readouterr().err == f"no model is called {name!r}; {meant}\n"


def test_an_ambiguous_name_is_told_as_the_program_tells_it(ollama, command, capsys):
    text = "model 'x' not found: it may be x-1 or x-2"
    ollama.answers["/api/show"] = (404, [{"error": text}])
    assert command("show", "x") == 1
    assert capsys.readouterr().err == f"{text}\n"


def test_a_refused_key_is_told(ollama, command, capsys):
    ollama.answers["/api/show"] = (401, [{"error": "expected an API key", "code": "x"}])
    assert command("show", "x") == 1
    assert capsys.readouterr().err == "the API key was refused: expected an API key\n"


def test_a_configured_key_is_sent(ollama, command, tmp_path):
    keys = {"security": {"api_keys": [{"name": "me", "key": "a-long-secret-key"}]}}
    (tmp_path / "app_config.json").write_text(json.dumps(keys), "utf-8")
    assert command("show", "x") == 0
    assert ollama.keys == ["Bearer a-long-secret-key"]


def test_a_route_that_is_not_there_is_told(ollama, command, capsys):
    assert command("rm", "x") == 1
    assert capsys.readouterr().err == "the program that serves has no /api/delete\n"


def test_an_answer_that_is_no_json_is_told(ollama, command, capsys):
    ollama.answers["/api/show"] = (200, ["<html>"])
    assert command("show", "x") == 1
    assert "is not JSON" in capsys.readouterr().err
