"""Every model of the zoo, asked through the program for what it can do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import ollama
import openai
import pytest

from tests.support.ollama_client import ollama_client
from tests.support.openai_client import openai_client
from tests.support.served_program import PATIENCE, ServedProgram, Setup, served
from tests.support.zoo import bert
from tests.support.zoo.models import ZOO, write_zoo
from tests.support.zoo.picture import picture

pytestmark = [pytest.mark.engine, pytest.mark.slow]

TOKENS = 24
TALKERS = ("tiny-chat", "tiny-thinker", "tiny-seer", "tiny-shards")
CITY = {"type": "string", "enum": ["Paris", "Rome"]}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": CITY}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def zoo(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProgram]:
    """Return a program that has found the zoo in its folder of models."""
    models = {"defaults": {"parameters": {"threads": 1}}}
    setup = Setup(tmp_path_factory.mktemp("zoo"), engine_name, models=models)
    write_zoo(setup.models_dir)
    with served(setup) as program:
        yield program


@pytest.fixture(scope="module")
def client(zoo: ServedProgram) -> Iterator[openai.OpenAI]:
    with openai_client(zoo) as client:
        yield client


@pytest.fixture(scope="module")
def other(zoo: ServedProgram) -> Iterator[ollama.Client]:
    with ollama_client(zoo) as client:
        yield client


def ask(client: openai.OpenAI, model: str, content: Any = "Who are you?", **fields: Any) -> Any:
    messages = [{"role": "user", "content": content}]
    asked: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0}
    # A prompt that is remembered is read in other batches, which can change an answer.
    body = {"cache_prompt": False, **fields.pop("extra_body", {})}
    return client.chat.completions.create(
        **{**asked, "max_tokens": TOKENS, **fields}, extra_body=body
    )


def said(message: Any) -> str:
    return (getattr(message, "reasoning_content", None) or "") + (message.content or "")


def seen_in(client: openai.OpenAI, *colour: int) -> str:
    image = {"type": "image_url", "image_url": {"url": picture(*colour)}}
    content = [{"type": "text", "text": "What is this?"}, image]
    return said(ask(client, "tiny-seer", content).choices[0].message)


def test_all_are_found(client):
    assert {model.id for model in client.models.list()} == set(ZOO)


@pytest.mark.parametrize("model", TALKERS)
def test_a_talker_says_the_same_whole_and_streamed(client, model):
    whole = ask(client, model).choices[0]
    assert whole.finish_reason == "length"
    text = said(whole.message)
    assert len(text) == TOKENS
    assert text.replace(" ", "").isalpha()
    pieces = [
        said(chunk.choices[0].delta) for chunk in ask(client, model, stream=True) if chunk.choices
    ]
    assert len([piece for piece in pieces if piece]) > TOKENS / 2
    assert "".join(pieces) == text


def test_shards_are_one_model(client):
    # It has the weights of the other.
    first, second = (
        ask(client, model).choices[0].message for model in ("tiny-chat", "tiny-shards")
    )
    assert first.content == second.content


def test_a_thinker_thinks(client):
    message = ask(client, "tiny-thinker").choices[0].message
    assert message.reasoning_content
    assert not message.content


def test_a_thinker_calls_a_tool(client):
    choice = ask(
        client,
        "tiny-thinker",
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=200,
        extra_body={"chat_template_kwargs": {"open_call": True}},
    ).choices[0]

    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["city"] in CITY["enum"]


def test_a_seer_tells_images_apart(client):
    red, same, blue = (
        seen_in(client, *colour) for colour in ((255, 0, 0), (255, 0, 0), (0, 0, 255))
    )
    assert len(red) == TOKENS
    assert red == same != blue


def test_an_embedder_makes_vectors_of_its_width(client, other):
    asked: Any = {"model": "tiny-embedder", "input": ["a cat", "two dogs"]}
    vectors = [one.embedding for one in client.embeddings.create(**asked).data]
    assert [len(vector) for vector in vectors] == [bert.WIDTH] * 2
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-4)
    for mine, theirs in zip(vectors, other.embed(**asked).embeddings, strict=True):
        assert math.hypot(*mine) == pytest.approx(1, abs=1e-4)
        assert mine == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("listener", ["lmstudio", "ollama"])
def test_a_reranker_ranks(zoo, listener):
    texts = ["a cat", "two dogs", "a cat", "no"]
    asked: dict[str, Any] = {"model": "tiny-reranker", "query": "pets?", "documents": texts}
    url = f"{getattr(zoo, listener)}/v1/rerank"
    results = httpx.post(url, json=asked, timeout=PATIENCE).json()["results"]
    scores = [one["relevance_score"] for one in results]
    assert scores == sorted(scores, reverse=True)
    by_index = dict(sorted((one["index"], one["relevance_score"]) for one in results))
    assert list(by_index) == [0, 1, 2, 3]
    assert by_index[0] == pytest.approx(by_index[2], abs=1e-4)
    assert by_index[0] != pytest.approx(by_index[1], abs=1e-3)
    best = httpx.post(url, json={**asked, "top_n": 1}, timeout=PATIENCE).json()["results"]
    assert [one["index"] for one in best] == [results[0]["index"]]


def test_only_a_reranker_ranks_and_it_does_nothing_else(client, other):
    ranking = {"query": "pets?", "documents": ["a cat"]}
    for model in ("tiny-chat", "tiny-embedder"):
        with pytest.raises(openai.BadRequestError, match="does not serve /v1/rerank") as caught:
            client.post("/rerank", body={"model": model, **ranking}, cast_to=object)
        assert (caught.value.code, caught.value.param) == ("not_supported", "model")
    with pytest.raises(openai.BadRequestError, match="it serves /v1/rerank"):
        client.embeddings.create(model="tiny-reranker", input="a cat")
    with pytest.raises(ollama.ResponseError, match="it serves /v1/rerank") as told:
        other.embed("tiny-reranker", "a cat")
    assert told.value.status_code == 501


def test_a_text_too_long_to_rank_is_told(client):
    asked = {"model": "tiny-reranker", "query": "a " * 500, "documents": ["b"]}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/rerank", body=asked, cast_to=object)
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("model", "capabilities"),
    [
        ("tiny-chat", ["completion"]),
        ("tiny-thinker", ["completion", "tools", "thinking"]),
        ("tiny-seer", ["completion", "vision"]),
        ("tiny-shards", ["completion"]),
        ("tiny-embedder", ["embedding"]),
        ("tiny-reranker", []),
    ],
)
def test_each_is_shown_with_what_it_can_do(other, model, capabilities):
    assert other.show(model).capabilities == capabilities
