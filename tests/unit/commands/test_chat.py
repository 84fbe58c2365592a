"""What a chat makes of what is typed, with a scripted keyboard and model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field

from llama_runner.commands.asking import Refused
from llama_runner.commands.chat import Chat
from llama_runner.commands.conversation import Conversation
from tests.support.scripted_ollama import SHOWN


@define(eq=False)
class Desk:
    """Where somebody types ``keys``: lines, or what interrupts them."""

    keys: Iterator[Any]
    interrupted: bool = False
    prompts: list[str] = field(factory=list)
    said: list[str] = field(factory=list)
    requests: list[dict[str, Any]] = field(factory=list)

    def read(self, prompt: str) -> str:
        self.prompts.append(prompt)
        key = next(self.keys, EOFError)
        if isinstance(key, type):
            raise key
        return str(key)

    def say_line(self, text: str) -> None:
        self.said.append(text)

    def answer(self, conversation: Conversation) -> None:
        self.requests.append(conversation.request())
        if self.interrupted:
            conversation.hear("half")
            self.interrupted = False
            raise KeyboardInterrupt
        if conversation.messages[-1]["content"] == "fail":
            conversation.take_back()
            raise Refused("it cannot")
        conversation.hear(f"answer {len(self.requests)}")


def held(*keys: object, interrupted: bool = False) -> Desk:
    desk = Desk(iter(keys), interrupted)
    chat = Chat(Conversation("x"), True, desk.read, desk.say_line, desk.answer, lambda: dict(SHOWN))
    chat.hold()
    return desk


def contents(request: dict[str, Any]) -> list[str]:
    return [message["content"] for message in request["messages"]]


def test_what_was_said_goes_along():
    desk = held("one", "two")
    assert [contents(request) for request in desk.requests] == [["one"], ["one", "answer 1", "two"]]


@pytest.mark.parametrize("end", ["/bye", "/exit", EOFError])
def test_it_ends_when_the_user_says_so(end):
    desk = held(end, "never read")
    assert desk.requests == []


def test_clear_forgets_what_was_said_and_not_the_system():
    desk = held("/set system Be brief.", "one", "/clear", "two")
    assert contents(desk.requests[-1]) == ["Be brief.", "two"]


def test_parameters_go_along_in_their_types():
    desk = held(
        "/set parameter temperature 0.5",
        "/set parameter num_ctx 4096",
        "/set parameter stop a b",
        "/set parameter use_mmap false",
        "hi",
    )
    assert desk.requests[0]["options"] == {
        "temperature": 0.5,
        "num_ctx": 4096,
        "stop": ["a", "b"],
        "use_mmap": False,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("num_ctx x", "error: num_ctx: expected an integer, got 'x'"),
        ("temperature", "error: temperature: expected a number, got ''"),
        ("tempo 1", "error: tempo is not a parameter; there are "),
        ("stop", "error: stop: expected one or more texts, got ''"),
    ],
)
def test_a_wrong_parameter_is_told_and_not_set(text, told):
    desk = held(f"/set parameter {text}", "hi")
    assert desk.said[0].startswith(told)
    assert "options" not in desk.requests[0]


def test_format_and_thinking_are_set_and_unset():
    desk = held("/set format json", "/set think high", "a", "/set noformat", "/set nothink", "b")
    first, second = desk.requests
    assert (first["format"], first["think"]) == ("json", "high")
    assert "format" not in second and second["think"] is False


def test_three_quotes_hold_lines_together():
    desk = held('"""one', "two", 'three"""', '/set system """Be', 'brief."""', "hi", '"""a"""')
    assert contents(desk.requests[0]) == ["one\ntwo\nthree"]
    assert contents(desk.requests[1])[0] == "Be\nbrief."
    assert contents(desk.requests[2])[-1] == "a"
    assert desk.prompts[:3] == [">>> ", "... ", "... "]


def test_ctrl_c_stops_the_answer_and_not_the_chat():
    desk = held("one", "two", interrupted=True)
    assert contents(desk.requests[1]) == ["one", "half", "two"]
    assert "(stopped)" in desk.said[0]


def test_ctrl_c_at_the_prompt_tells_how_to_end():
    desk = held(KeyboardInterrupt, "one")
    assert "Ctrl-D or /bye" in desk.said[0]
    assert len(desk.requests) == 1


def test_an_error_is_told_and_the_chat_goes_on_without_that_question():
    desk = held("fail", "two")
    assert desk.said[0] == "error: it cannot"
    assert contents(desk.requests[1]) == ["two"]


def test_show_tells_of_the_model_and_of_what_was_set():
    desk = held("/show", "/show template", "/set parameter seed 1", "/show parameters", "/show x")
    assert desk.said[0].startswith("  Model\n    architecture")
    assert desk.said[1] == "{{ .Prompt }}"
    assert 'stop                           "a"' in desk.said[3] and "seed" in desk.said[3]
    assert desk.said[4].startswith("expected /show info | modelfile")


def test_a_command_that_is_none_is_told_and_a_path_is_none():
    desk = held("/clera", "/set wrong", "/?", "/etc/hosts is what?")
    assert desk.said[0] == "/clera is not a command; /? lists them"
    assert desk.said[1].startswith("expected one of these:\n/set system")
    assert "/bye" in desk.said[2]
    assert contents(desk.requests[0]) == ["/etc/hosts is what?"]
