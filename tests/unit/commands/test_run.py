"""``run`` with one prompt, against a scripted port."""

from __future__ import annotations

import base64
import json

import pytest

CHAT = "/api/chat"


def piece(content: str = "", **more: str) -> dict[str, object]:
    return {"message": {"role": "assistant", "content": content, **more}, "done": False}


@pytest.fixture
def talking(ollama):
    ollama.answers[CHAT] = (200, [piece("Hel"), piece("lo"), {**piece(), "done": True}])
    return ollama


def test_a_prompt_is_answered_and_that_is_all(talking, command, capsys):
    assert command("run", "x", "say", "hello") == 0
    assert capsys.readouterr().out == "Hello\n"
    messages = [{"role": "user", "content": "say hello"}]
    assert talking.bodies(CHAT) == [{"model": "x", "messages": messages}]


def test_what_is_piped_comes_before_what_is_asked(talking, command):
    assert command("run", "x", "what is this?", piped="some\ntext\n") == 0
    (body,) = talking.bodies(CHAT)
    assert body["messages"][0]["content"] == "some\ntext\nwhat is this?"


def test_words_behind_an_option_are_prompt_too(talking, command):
    assert command("run", "x", "--think", "say", "--format", "json", "hello") == 0
    (body,) = talking.bodies(CHAT)
    assert body["messages"][0]["content"] == "say hello"
    assert (body["think"], body["format"]) == (True, "json")


@pytest.mark.parametrize(("text", "value"), [("false", False), ("high", "high")])
def test_thinking_is_asked_for_by_its_value(talking, command, text, value):
    assert command("run", "x", f"--think={text}", "hi") == 0
    assert talking.bodies(CHAT)[0]["think"] == value


def test_json_is_the_lines_of_the_port(talking, command, capsys):
    assert command("run", "x", "hi", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == talking.answers[CHAT][1]


@pytest.mark.parametrize(
    ("options", "out"),
    [([], "Thinking...\nhm\n...done thinking.\n\nyes\n"), (["--hide-thinking"], "yes\n")],
)
def test_thinking_is_told_apart(ollama, command, capsys, options, out):
    ollama.answers[CHAT] = (200, [piece(thinking="hm"), piece("yes")])
    assert command("run", "x", "hi", *options) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("by", ["option", "path"])
def test_a_picture_goes_along(talking, command, tmp_path, by):
    picture = tmp_path / "a b.png"
    picture.write_bytes(b"\x89PNG")
    words = ["--image", str(picture), "what?"] if by == "option" else [f"what? '{picture}'"]
    assert command("run", "x", *words) == 0
    (message,) = talking.bodies(CHAT)[0]["messages"]
    assert message == {
        "role": "user",
        "content": "what?",
        "images": [base64.b64encode(b"\x89PNG").decode()],
    }


def test_a_picture_that_is_not_there_is_a_mistake(talking, command, capsys, tmp_path):
    assert command("run", "x", "--image", str(tmp_path / "no.png"), "hi") == 2
    assert "no.png: No such file" in capsys.readouterr().err


def test_a_model_that_sees_nothing_gets_no_picture(talking, command, capsys, tmp_path):
    talking.answers["/api/show"] = (200, [{"capabilities": ["completion"]}])
    (tmp_path / "a.png").write_bytes(b"x")
    assert command("run", "x", "--image", str(tmp_path / "a.png"), "hi") == 2
    assert "x sees no pictures" in capsys.readouterr().err


def test_an_error_within_the_answer_is_told_behind_what_came(ollama, command, capsys):
    ollama.answers[CHAT] = (200, [piece("Hel"), {"error": "the engine has died"}])
    assert command("run", "x", "hi") == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("Hel\n", "the engine has died\n")


def test_without_any_prompt_the_model_is_loaded(ollama, command):
    ollama.answers["/api/generate"] = (200, [{"done": True, "done_reason": "load"}])
    assert command("run", "x") == 0
    assert ollama.bodies("/api/generate") == [{"model": "x", "options": {}}]
