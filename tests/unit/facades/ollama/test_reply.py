"""Ollama's answers, made of what a real llama-server says in pieces of any size."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.errors import EngineRefused, RunnerLost
from llama_runner.facades.ollama.chat import ChatTongue
from llama_runner.facades.ollama.generate import GenerateTongue
from llama_runner.facades.ollama.kept_context import messages_of_context
from llama_runner.facades.ollama.plain_text import TEXT_EVENT, plain_text
from llama_runner.relay.record import Durations
from llama_runner.relay.target import Target

TOOK = Durations(1.5, 0.25)
TIMINGS = {"cache_n": 3, "prompt_n": 5, "prompt_ms": 2.5, "predicted_n": 4, "predicted_ms": 40.0}
CAN = frozenset({"completion", "tools", "thinking"})
DONE = b"data: [DONE]\n\n"
SPENT = {
    **{"total_duration": 1_500_000_000, "load_duration": 250_000_000, "prompt_eval_count": 8},
    **{"prompt_eval_duration": 2_500_000, "eval_count": 4, "eval_duration": 40_000_000},
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    logprobs = {"logprobs": more.pop("logprobs")} if "logprobs" in more else {}
    choice = {"finish_reason": finish, "index": 0, "delta": delta, **logprobs}
    return {"choices": [choice], "object": "chat.completion.chunk", **more}


def stream(*chunks: Any, end: bytes = DONE) -> bytes:
    return b"".join(b"data: %b\n\n" % orjson.dumps(each) for each in chunks) + end


def fragment(index: int, **call: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **call}]}


PROGRESS = chunk({"role": "assistant", "content": None}, prompt_progress={"total": 8})
SAID = [
    PROGRESS,
    chunk({"role": "assistant", "content": None}),
    chunk({"reasoning_content": "hm"}),
    chunk({"content": "<a> & "}),
    chunk({"content": "b\u00e9"}),
    chunk({}, "stop", timings=TIMINGS),
]
CALLED = [
    chunk(fragment(0, id="x1", type="function", function={"name": "f", "arguments": ""})),
    chunk(fragment(0, function={"arguments": '{"a"'})),
    chunk(fragment(0, function={"arguments": ":1}"})),
    chunk(fragment(1, id="x2", type="function", function={"name": "g", "arguments": "{}"})),
]


def answered(tongue: Any, body: bytes, *, step: int = 9999, **fields: Any) -> list[dict[str, Any]]:
    """Return the objects that come of an engine's answer, read ``step`` bytes at a time."""
    asked = tongue.read(orjson.dumps({"model": " M ", **fields}), {})
    request = asked.request_to(Target("key", None, capabilities=CAN))
    reply = asked.reply(request)
    told = b"".join(reply.feed(body[at : at + step]) for at in range(0, len(body), step))
    told += reply.end(TOOK)
    if request.streams:
        assert told.endswith(b"\n")
    else:
        assert b"\n" not in told
    assert not set(b"<>&") & set(told)
    objects = [json.loads(line) for line in told.splitlines()]
    for each in objects:
        assert each["model"] == " M "
        assert each.pop("created_at").endswith("Z")
        del each["model"]
    return objects


def chat(*chunks: Any, end: bytes = DONE, **fields: Any) -> list[dict[str, Any]]:
    asked = {"messages": [{"role": "user", "content": "x"}], **fields}
    return answered(ChatTongue(), stream(*chunks, end=end), **asked)


def message(content: str = "", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def test_each_part_of_a_chat_is_a_line() -> None:
    assert chat(*SAID) == [
        {"message": message(thinking="hm"), "done": False},
        {"message": message("<a> & "), "done": False},
        {"message": message("b\u00e9"), "done": False},
        {"message": message(), "done": True, "done_reason": "stop", **SPENT},
    ]


def test_a_chat_that_is_not_streamed_is_one_object() -> None:
    (whole,) = chat(*SAID, stream=False)
    last = message("<a> & b\u00e9", thinking="hm")
    assert whole == {"message": last, "done": True, "done_reason": "stop", **SPENT}


@given(step=st.integers(1, 400))
def test_how_the_bytes_come_makes_no_difference(step: int) -> None:
    asked: Any = {"messages": [{"role": "user", "content": "x"}]}
    body = stream(*SAID[:-1], *CALLED, SAID[-1])
    objects = answered(ChatTongue(), body, step=step, **asked)
    assert objects == answered(ChatTongue(), body, **asked)
    assert len(objects) == 5


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ABOUT = {"created": 1760000000, "id": "chatcmpl-1", "model": "m", "object": "chat.completion.chunk"}


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    step=st.integers(40, 900),
    remembers=st.booleans(),
)
def test_text_that_comes_as_llama_server_writes_it_is_told_the_same(
    texts: list[str], step: int, remembers: bool
) -> None:
    events = [chunk({"content": text}) | ABOUT for text in texts]
    for each in events:
        del each["object"]
    body = stream(SAID[0], *({**each, "object": "o"} for each in events), SAID[-1])
    assert sum(1 for _ in TEXT_EVENT.finditer(body)) == sum(map(bool, texts))
    spaced = body.replace(b'data: {"choices":', b'data: { "choices":')
    tongue: Any = GenerateTongue() if remembers else ChatTongue()
    asked: Any = {"prompt": "x", "messages": [{"role": "user", "content": "x"}]}
    told = answered(tongue, body, step=step, **asked)
    assert told == answered(tongue, spaced, **asked)
    key = "response" if remembers else "message"
    assert len(told) == len([text for text in texts if text]) + 1 and key in told[0]


def _object_with(model: str, now: str, text: str) -> dict[str, str]:
    return {"at": now, "text": text, "model": model}


def test_a_name_like_a_mark_is_told_all_the_same() -> None:
    assert plain_text(partial(_object_with, "a")) is not None
    for mark in ("\ue000time\ue000", "\ue000text\ue000"):
        assert plain_text(partial(_object_with, mark)) is None


CALLS = [
    {"id": "x1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
    {"id": "x2", "function": {"index": 1, "name": "g", "arguments": {}}},
]


def test_calls_come_whole_before_the_last_object() -> None:
    *_, calls, last = chat(*CALLED, chunk({}, "tool_calls", timings=TIMINGS))
    assert calls == {"message": message(tool_calls=CALLS), "done": False}
    assert last["message"] == message()
    assert (last["done"], last["done_reason"]) == (True, "stop")


def test_calls_of_a_whole_answer_are_in_its_message() -> None:
    (whole,) = chat(*CALLED, chunk({}, "tool_calls", timings=TIMINGS), stream=False)
    assert whole["message"] == message(tool_calls=CALLS)


def test_a_call_that_was_cut_is_left_out() -> None:
    *_, last = chat(*CALLED[:2], chunk({}, "length", timings=TIMINGS), stream=False)
    assert "tool_calls" not in last["message"]
    assert last["done_reason"] == "length"


@pytest.mark.parametrize("text", ['{"a"', "[1]", "null"])
def test_a_call_of_nothing_is_the_engine_s_fault(text: str) -> None:
    called = chunk(fragment(0, function={"name": "f", "arguments": text}))
    with pytest.raises(RunnerLost, match="tool call"):
        chat(called, chunk({}, "tool_calls"))


TOKENS = [
    {
        "token": letter,
        "bytes": [ord(letter)],
        "logprob": -0.5,
        "top_logprobs": [{"token": letter, "bytes": [ord(letter)], "logprob": -0.5, "id": 1}] * 2,
        "id": 7,
    }
    for letter in "ab"
]


@pytest.mark.parametrize("top", [0, 1])
def test_log_probabilities_have_ollama_s_fields(top: int) -> None:
    told = [
        *(chunk({"content": t["token"]}, logprobs={"content": [t]}) for t in TOKENS),
        chunk({}, "stop"),
    ]
    wanted: Any = {"logprobs": True, "top_logprobs": top}
    likeliest = [{"token": "a", "bytes": [97], "logprob": -0.5}]
    first = {"token": "a", "bytes": [97], "logprob": -0.5}
    first |= {"top_logprobs": likeliest} if top else {}
    a, b, last = chat(*told, **wanted)
    assert a["logprobs"] == [first]
    assert "logprobs" not in last
    (whole,) = chat(*told, **wanted, stream=False)
    assert whole["logprobs"] == a["logprobs"] + b["logprobs"]


def test_log_probabilities_with_tools_come_whole() -> None:
    whole = {
        "choices": [
            {
                **{"index": 0, "finish_reason": "stop", "logprobs": {"content": TOKENS}},
                "message": {"role": "assistant", "content": "ab"},
            }
        ],
        "timings": TIMINGS,
    }
    tools = [{"type": "function", "function": {"name": "f"}}]
    asked: Any = {"messages": [{"role": "user", "content": "x"}], "tools": tools, "logprobs": True}
    (told,) = answered(ChatTongue(), orjson.dumps(whole), **asked)
    assert told["message"] == message("ab")
    assert len(told["logprobs"]) == 2
    with pytest.raises(RunnerLost, match="is none"):
        answered(ChatTongue(), b"[]", **asked)


def test_a_completion_remembers_its_conversation() -> None:
    body = stream(*SAID)
    *lines, last = answered(GenerateTongue(), body, prompt="Hi", system="S")
    assert [each["response"] for each in lines] == ["", "<a> & ", "b\u00e9"]
    assert lines[0]["thinking"] == "hm"
    context = last.pop("context")
    assert last == {"response": "", "done": True, "done_reason": "stop", **SPENT}
    assert messages_of_context(context) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "<a> & b\u00e9"},
    ]
    (whole,) = answered(GenerateTongue(), body, prompt="Hi", context=context, stream=False)
    assert whole["response"] == "<a> & b\u00e9"
    assert len(messages_of_context(whole["context"])) == 5


def test_a_raw_completion_has_no_conversation() -> None:
    texts = [
        {"choices": [{"index": 0, "text": text, "finish_reason": finish}]}
        for text, finish in (("a", None), ("b", None), ("", "length"))
    ]
    *lines, last = answered(GenerateTongue(), stream(*texts), prompt="Hi", raw=True)
    assert [each["response"] for each in lines] == ["a", "b"]
    assert last["done_reason"] == "length" and "context" not in last


def test_what_is_filled_in_ends_without_a_mark() -> None:
    events = [
        {"content": "", "stop": False, "prompt_progress": {"total": 2}},
        {"content": "a", "stop": False, "completion_probabilities": TOKENS[:1]},
        {"content": "", "stop": True, "stop_type": "eos", "timings": TIMINGS},
    ]
    asked: Any = {"prompt": "x", "suffix": "y", "logprobs": True}
    line, last = answered(GenerateTongue(), stream(*events, end=b""), **asked)
    assert (line["response"], line["logprobs"][0]["token"]) == ("a", "a")
    assert last == {"response": "", "done": True, "done_reason": "stop", **SPENT}


@pytest.mark.parametrize("cut", [1, 2])
def test_an_answer_that_breaks_off_has_no_end(cut: int) -> None:
    with pytest.raises(RunnerLost, match="broke off"):
        chat(*SAID[:-cut], end=b"" if cut == 1 else DONE)


def test_an_error_within_the_stream_is_told_as_such() -> None:
    with pytest.raises(EngineRefused, match="no more room"):
        chat(*SAID[:3], {"error": {"code": 500, "message": "no more room"}})


def test_how_far_the_prompt_is_read_is_known() -> None:
    asked = ChatTongue().read(b'{"model":"m","messages":[{"role":"user"}]}', {})
    reply = asked.reply(asked.request_to(Target("key", None, capabilities=CAN)))
    progress = chunk({"content": None}, prompt_progress={"total": 8, "processed": 4})
    assert reply.feed(stream(progress, end=b"")) == b""
    assert (reply.waiting.processed, reply.waiting.total) == (4, 8)
