from __future__ import annotations

from typing import Any

import orjson
import pytest

from llama_runner.concurrency.turns import in_turns
from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.chat import CHAT_REQUEST, ChatTongue
from llama_runner.facades.ollama.messages import openai_messages, openai_tools
from llama_runner.relay.target import Target
from llama_runner.wire.long_strings import STEP, part, restored

CAN = frozenset({"completion", "tools"})


def read(messages: Any) -> list[dict[str, Any]]:
    fields = CHAT_REQUEST.read(orjson.dumps({"messages": messages}))
    return openai_messages(fields["messages"], {})


def test_plain_messages_stay_as_they_are() -> None:
    assert read([{"role": "System", "content": "S"}, {"ROLE": "user", "content": None}]) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": ""},
    ]


def test_images_stand_before_the_text() -> None:
    (told,) = read([{"role": "user", "content": "What?", "images": ["iVBORw0KGgo="]}])
    image, text = told["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="
    assert text == {"type": "text", "text": "What?"}


def test_calls_and_their_results_are_openai_s() -> None:
    call = {"function": {"name": "f", "arguments": {"b": [1], "a": None}}}
    told = read(
        [
            {"role": "user", "content": "x"},
            {"role": "assistant", "thinking": "hm", "tool_calls": [call, {**call, "id": "mine"}]},
            {"role": "tool", "content": "7", "tool_name": "f", "tool_call_id": "mine"},
        ]
    )
    calls = told[1]["tool_calls"]
    assert told[1]["reasoning_content"] == "hm"
    assert [each["id"] for each in calls] == ["call_1_0", "mine"]
    function = {"name": "f", "arguments": '{"b":[1],"a":null}'}
    assert calls[0] == {"type": "function", "id": "call_1_0", "function": function}
    assert told[2] == {"role": "tool", "content": "7", "name": "f", "tool_call_id": "mine"}


def test_tools_without_parameters_take_none() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    (told,) = openai_tools([tool])
    nothing = {"type": "object", "properties": {}}
    assert told == {"type": "function", "function": {"name": "f", "parameters": nothing}}


@pytest.mark.parametrize("tool", [{}, {"type": "function"}, {"function": {"description": "x"}}])
def test_tools_without_a_name_have_an_empty_one(tool: dict[str, Any]) -> None:
    # The engine fails on one without.
    (told,) = openai_tools([tool])
    assert told["type"] == "function"
    assert told["function"]["name"] == ""


@pytest.mark.parametrize(
    ("messages", "path", "kinds"),
    [
        ("x", "messages", "string .* of type \\[\\]api.Message"),
        (["x"], "messages", "string .* of type api.Message"),
        ([{"content": ["x"]}], "messages.content", "array .* of type string"),
        ([{"role": 1}], "messages.role", "number .* of type string"),
        ([{"images": "x"}], "messages.images", "string .* of type \\[\\]string"),
        (
            *([{"tool_calls": [{"function": {"arguments": "{}"}}]}],),
            *("messages.tool_calls.function.arguments", "string .* of type map"),
        ),
    ],
)
def test_a_wrong_type_is_told_with_its_place(messages: Any, path: str, kinds: str) -> None:
    found, wanted = kinds.split(" .* ")
    text = f"^json: cannot unmarshal {found} into Go struct field ChatRequest.{path} {wanted}"
    with pytest.raises(BadRequest, match=text):
        read(messages)


def test_a_message_without_a_role_is_named() -> None:
    with pytest.raises(BadRequest, match=r"^messages\[1\].role is missing$"):
        read([{"role": "user"}, {"content": "x"}])


async def test_a_long_argument_is_whole_in_the_text_that_holds_it() -> None:
    long = 'a "quoted" \\ line\n' * STEP
    call = {"function": {"name": "f", "arguments": {"long": long}}}
    body = orjson.dumps({"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]})
    parted = await in_turns(part(body, STEP))
    asked = ChatTongue().read(parted.text, parted.aside)
    request = asked.request_to(Target("key", None, capabilities=CAN))
    sent = b"".join(restored(request.upstream_body("key", {}), request.aside))
    (told,) = orjson.loads(sent)["messages"][0]["tool_calls"]
    assert orjson.loads(told["function"]["arguments"]) == {"long": long}
