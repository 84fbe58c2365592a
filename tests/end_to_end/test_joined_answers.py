"""Holds the joiners against the engine's own whole answers.

Each request is asked twice with one seed, whole and streamed. Compared are
the whole bodies, order of keys included, but for what differs between any two
answers: ids, the time of day and the milliseconds.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from llama_runner.errors import EngineRefused
from llama_runner.relay.joined import Joiner
from llama_runner.relay.joining import joiner_for
from llama_runner.relay.refusal import refusal_of
from llama_runner.relay.relay_request import RelayRequest, Task, read_relay_request
from llama_runner.relay.usage import usage_of_answer, usage_of_tail
from llama_runner.wire.sse import SSEDecoder
from tests.support.engine import Answers

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def function(name: str, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


CITY, UNIT = {"type": "string", "enum": ["Paris", "Rome"]}, {"type": "string", "enum": ["C", "F"]}
TOOLS = [function("get_weather", city=CITY, unit=UNIT), function("ping")]
SCHEMA = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}

# The template opens a thought unless told not to, and opens a call if told to:
# the grammar of "required" then leaves even a tiny model nothing but to call.
TALK: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
CALL = {"chat_template_kwargs": {"open_call": True}, "tools": TOOLS, "tool_choice": "required"}
AGAIN = {"logit_bias": [["<", 8]]}


def says(words: str) -> dict[str, str]:
    return {"grammar": f"root ::= {words}"}


CHATS: dict[str, dict[str, Any]] = {
    "text": TALK,
    "text that ends": {**TALK, **says('"one two three"')},
    "text that is empty": {**TALK, **says('""')},
    "text between spaces": {**TALK, **says('"  a  \\n"')},
    "tokens that are no whole character": {**TALK, **says('"😀é🎉"')},
    "tokens that end within a character": {**TALK, **says('"a😀é🎉"'), "max_tokens": 3},
    "no tokens": {**TALK, "max_tokens": 0},
    "one token": {**TALK, "max_tokens": 1},
    "few completion tokens": {**TALK, "max_completion_tokens": 3},
    "no messages": {**TALK, "messages": []},
    "log probabilities": {**TALK, "logprobs": True, "top_logprobs": 3},
    "log probabilities of what was drawn from": {
        **TALK,
        "logprobs": True,
        "top_logprobs": 1,
        "post_sampling_probs": True,
    },
    "two choices": {**TALK, "n": 2},
    "two choices that end one after the other": {
        **TALK,
        **says('("one" | "one two three four five six")'),
        "n": 2,
        "max_tokens": 30,
    },
    "a thought cut short": {},
    "a thought and an answer": {
        **says('"hm hm\\n</think>\\n\\nyes yes"'),
        "max_tokens": 24,
    },
    "a thought and no answer": says('"hm hm\\n</think>"'),
    "two thoughts": {**says('("hm" | "ha") "\\n</think>\\n\\n" ("yes" | "no")'), "n": 2},
    "a call": {**CALL, "parallel_tool_calls": False, "max_tokens": 80},
    "several calls": {**CALL, **AGAIN, "parallel_tool_calls": True, "max_tokens": 64},
    "a call cut short": {**CALL, "max_tokens": 20},
    "calls in two choices": {**CALL, "n": 2, "max_tokens": 60},
    "tools that are not called": {**TALK, "tools": TOOLS, "tool_choice": "auto"},
    "tools that must not be called": {**TALK, "tools": TOOLS, "tool_choice": "none"},
    "a JSON schema": {
        **TALK,
        "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        "max_tokens": 40,
    },
    "a JSON object": {**TALK, "response_format": {"type": "json_object"}, "max_tokens": 30},
    "a stop word": {**TALK, **says('"one two three four"'), "stop": ["three f"]},
    "a stop word that never comes": {**TALK, **says('"one two three four"'), "stop": ["three x"]},
    "a stop word at once": {**TALK, **says('"one two three four"'), "stop": ["one"]},
    "timings with every token": {**TALK, "timings_per_token": True},
}
COMPLETIONS: dict[str, dict[str, Any]] = {
    "a text": {},
    "a text that ends": {**says('"one two"'), "max_tokens": 12},
    "several texts": {"prompt": ["The sky is", "Two"]},
    "more texts than slots": {"prompt": ["a", "b", "c", "d"]},
    "tokens": {"prompt": [504, 6, 7]},
    "several lists of tokens": {"prompt": [[504, 6], [7]]},
    "tokens and text": {"prompt": [504, "sky"]},
    "echo": {"echo": True},
    "log probabilities": {"logprobs": 2},
    "two choices": {"n": 2},
    "two choices of two texts": {"prompt": ["The sky is", "Two"], "n": 2},
    "no tokens": {"max_tokens": 0},
    "a stop word": {"stop": ["a"], "max_tokens": 12},
    "a suffix": {"suffix": "!"},
}


def chat(fields: dict[str, Any]) -> RelayRequest:
    messages = [{"role": "user", "content": "What is the weather in Paris and in Rome?"}]
    return request(Task.CHAT, {"messages": messages, "max_tokens": 12, **fields})


def completion(fields: dict[str, Any]) -> RelayRequest:
    return request(Task.COMPLETION, {"prompt": "The sky is", "max_tokens": 4, **fields})


def request(task: Task, fields: dict[str, Any]) -> RelayRequest:
    body = {"model": "chat", "seed": 1, "cache_prompt": False, **fields}
    return read_relay_request(task, orjson.dumps(body))


def whole(answers: Answers, asked: RelayRequest) -> dict[str, Any]:
    answer = answers.whole(asked.task.value, dict(asked.fields))
    assert answer.status_code == 200, answer.text
    assert usage_of_answer(answer.content) == usage_of_tail(answer.content[-1024:]) is not None
    body: dict[str, Any] = orjson.loads(answer.content)
    return body


def joined(answers: Answers, asked: RelayRequest) -> dict[str, Any]:
    answer = answers.streamed(asked.task.value, orjson.loads(asked.upstream_body("chat", {})))
    assert answer.status_code == 200, answer.text
    joiner: Joiner = joiner_for(asked)
    for event in SSEDecoder().feed(answer.content):
        joiner.feed(event)
    return joiner.result()


def settled(answer: dict[str, Any]) -> bytes:
    """Return what two answers to one request must have in common."""
    counts = {name: answer["timings"][name] for name in ("cache_n", "prompt_n", "predicted_n")}
    stable = {**answer, "id": "", "created": 0, "timings": {**dict.fromkeys(answer["timings"])}}
    stable["timings"] |= counts
    for choice in stable["choices"]:
        for call in choice.get("message", {}).get("tool_calls", []):
            assert call["id"]
            call["id"] = ""
    return orjson.dumps(stable)


@pytest.mark.parametrize("fields", CHATS.values(), ids=CHATS)
def test_a_joined_chat_equals_the_engines_own(answers: Answers, fields: dict[str, Any]) -> None:
    asked = chat(fields)
    assert settled(joined(answers, asked)) == settled(whole(answers, asked))


@pytest.mark.parametrize("fields", COMPLETIONS.values(), ids=COMPLETIONS)
def test_a_joined_completion_equals_the_engines_own(
    answers: Answers, fields: dict[str, Any]
) -> None:
    asked = completion(fields)
    assert settled(joined(answers, asked)) == settled(whole(answers, asked))


def test_the_requests_above_provoke_what_they_are_there_for(answers: Answers) -> None:
    called = whole(answers, chat(CHATS["several calls"]))["choices"][0]["message"]
    assert len(called["tool_calls"]) > 1
    thought = whole(answers, chat(CHATS["a thought and an answer"]))["choices"][0]["message"]
    assert thought["content"] == "yes yes"
    assert thought["reasoning_content"].startswith("hm hm")


@pytest.mark.parametrize(
    "fields",
    [{**TALK, **says('"one two three"')}, says('"hm\\n</think>\\n\\nyes"')],
    ids=["a text that ends", "a thought and an answer"],
)
def test_log_probabilities_of_what_is_never_shown_are_missing(
    answers: Answers, fields: dict[str, Any]
) -> None:
    """Tell the accepted difference: a stream carries them with the text, and only so.

    A whole answer also lists the tokens that made no text: the one that ended
    it and the marks round a thought.
    """
    asked = chat({**fields, "logprobs": True, "max_tokens": 30})
    own, ours = whole(answers, asked), joined(answers, asked)
    listed = own["choices"][0]["logprobs"].pop("content")
    carried = ours["choices"][0]["logprobs"].pop("content")
    assert settled(ours) == settled(own)
    remaining = iter(listed)
    assert all(token in remaining for token in carried)
    message = own["choices"][0]["message"]
    shown = message.get("reasoning_content", "") + message["content"]
    assert "".join(token["token"] for token in carried) == shown


def test_a_thought_left_in_the_text_lacks_the_mark_that_the_template_opened_it_with(
    answers: Answers,
) -> None:
    """Tell the accepted difference: no stream of this engine carries that mark."""
    fields = {**says('"hm hm\\n</think>\\n\\nyes yes"'), "reasoning_format": "none"}
    asked = chat({**fields, "max_tokens": 30})
    own, ours = (ask(answers, asked)["choices"][0]["message"] for ask in (whole, joined))
    assert own["content"] == "<think>\n" + ours["content"]


def test_what_cannot_be_joined_is_refused_in_a_stream_only(answers: Answers) -> None:
    asked = chat({**CALL, "logprobs": True, "max_tokens": 60})
    assert not asked.goes_up_as_stream
    assert whole(answers, asked)["choices"][0]["logprobs"]["content"]
    fields = orjson.loads(asked.upstream_body("chat", {}))
    assert answers.streamed(asked.task.value, fields).status_code == 400


def test_an_error_in_the_stream_is_the_one_of_the_whole_answer(answers: Answers) -> None:
    # A call that was opened for the model and that no grammar makes it go on with.
    asked = chat({**CALL, "tool_choice": "auto", "max_tokens": 60, **says_nothing_of_a_call()})
    answer = answers.whole(asked.task.value, dict(asked.fields))
    own = refusal_of(answer.status_code, answer.content)
    assert own.status == 500
    with pytest.raises(EngineRefused) as caught:
        joined(answers, asked)
    assert str(caught.value) == str(own)
    assert (caught.value.status, caught.value.kind) == (own.status, own.kind)


def says_nothing_of_a_call() -> dict[str, Any]:
    return {"logit_bias": [["{", False], [" {", False]]}


def test_a_refusal_before_the_stream_is_the_one_of_the_whole_answer(answers: Answers) -> None:
    asked = completion({"prompt": "word " * 3000})
    refusals = [
        refusal_of(answer.status_code, answer.content)
        for answer in (
            answers.whole(asked.task.value, dict(asked.fields)),
            answers.streamed(asked.task.value, dict(asked.fields)),
        )
    ]
    assert [refusal.status for refusal in refusals] == [400, 400]
    assert refusals[0].kind == refusals[1].kind == "exceed_context_size_error"
    assert refusals[0].details == refusals[1].details
