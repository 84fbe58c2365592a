from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.concurrency.turns import in_turns
from llama_runner.errors import EngineRefused
from llama_runner.facades.ollama.generate import GenerateTongue
from llama_runner.facades.ollama.shortening import excess, without_oldest
from llama_runner.facades.openai.errors import TOO_LONG
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.target import Target
from llama_runner.wire.long_strings import STEP, part

CAN = frozenset({"completion"})


def too_long(tokens: int, context: int) -> EngineRefused:
    details = {"n_prompt_tokens": tokens, "n_ctx": context}
    return EngineRefused("too long", status=400, kind=TOO_LONG, details=details)


def chat(messages: list[Any]) -> RelayRequest:
    return RelayRequest(
        Task.CHAT, "m", {"messages": messages}, streams=True, choices=1, wants_progress=False
    )


def said(role: str, content: Any = "x" * 10) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_only_what_is_too_long_is_shortened() -> None:
    assert excess(EngineRefused("no", status=400, kind="other")) is None
    assert excess(EngineRefused("no", status=400, kind=TOO_LONG)) is None
    assert excess(too_long(1000, 900)) == pytest.approx(0.19)


def test_the_oldest_messages_go_and_instructions_stay() -> None:
    messages = [said("system"), *(said("user", f"{n}" * 10) for n in range(8)), said("user")]
    request = without_oldest(chat(messages), 0.25)
    assert request is not None
    assert request.fields["messages"] == [messages[0], *messages[4:]]


def test_the_result_of_a_tool_goes_with_its_call() -> None:
    messages = [said("assistant"), said("tool"), said("tool"), said("user"), said("user")]
    request = without_oldest(chat(messages), 0.1)
    assert request is not None
    assert request.fields["messages"] == messages[3:]


@given(
    roles=st.lists(st.sampled_from(["system", "user", "assistant", "tool"]), min_size=1),
    share=st.floats(0, 1),
)
def test_it_is_shorter_each_time_until_only_what_must_stay_is_left(
    roles: list[str], share: float
) -> None:
    request: RelayRequest | None = chat([said(role) for role in roles])
    rounds = 0
    while request is not None:
        kept = request.fields["messages"]
        request = without_oldest(request, share)
        rounds += 1
    assert kept[-1]["role"] == roles[-1]
    assert [m["role"] for m in kept[:-1]] == ["system"] * roles[:-1].count("system")
    assert rounds <= len(roles) + 1


async def test_of_a_long_text_the_end_is_kept() -> None:
    text = "a" * STEP + "b" * 2 * STEP + '"\n' * 10
    body = orjson.dumps({"model": "m", "prompt": text, "raw": True})
    parted = await in_turns(part(body, STEP))
    asked = GenerateTongue().read(parted.text, parted.aside)
    request = asked.request_to(Target("key", None, capabilities=CAN))
    shorter = asked.shortened(request, too_long(1000, 500))
    assert shorter is not None
    kept = shorter.fields["prompt"]
    assert text.endswith(kept)
    assert 0.4 * len(text) < len(kept) < 0.5 * len(text)


@pytest.mark.parametrize("fields", [{"truncate": False}, {"suffix": "y"}])
def test_what_may_not_be_cut_is_not(fields: dict[str, Any]) -> None:
    body = orjson.dumps({"model": "m", "prompt": "x" * 99, "raw": True, **fields})
    asked = GenerateTongue().read(body, {})
    request = asked.request_to(Target("key", None, capabilities=CAN))
    assert asked.shortened(request, too_long(1000, 500)) is None
