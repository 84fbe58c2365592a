"""``rm`` and ``cp`` against a scripted port."""

from __future__ import annotations

import json


def test_models_are_deleted_in_order_until_one_cannot_be(ollama, command, capsys):
    ollama.answers["/api/delete"] = (200, [])
    assert command("rm", "a", "b") == 0
    assert capsys.readouterr().out == "deleted a\ndeleted b\n"
    assert ollama.asked == [("DELETE", "/api/delete", {"model": name}) for name in "ab"]
    ollama.answers["/api/delete"] = (404, [{"error": "model 'mistra' not found"}])
    assert command("rm", "mistra", "b") == 1
    assert capsys.readouterr().err == "no model is called 'mistra'; did you mean mistral?\n"
    assert len(ollama.bodies("/api/delete")) == 3


def test_a_model_is_copied(ollama, command, capsys):
    ollama.answers["/api/copy"] = (200, [])
    assert command("cp", "a", "b") == 0
    assert capsys.readouterr().out == "copied a to b\n"
    assert command("cp", "a", "b", "--json") == 0
    fields = {"source": "a", "destination": "b"}
    assert json.loads(capsys.readouterr().out) == fields
    assert ollama.bodies("/api/copy") == [fields, fields]


def test_an_unknown_source_is_told_with_what_was_meant(ollama, command, capsys):
    ollama.answers["/api/copy"] = (404, [{"error": 'model "mistra" not found'}])
    assert command("cp", "mistra", "b") == 1
    assert "did you mean mistral?" in capsys.readouterr().err
