from __future__ import annotations

from math import hypot
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.errors import BadRequest, EngineRefused, RunnerLost, UnknownModel
from llama_runner.facades.ollama.embed import EmbedAsked, EmbeddingsTongue, EmbedTongue
from llama_runner.facades.ollama.embed_errors import TOO_LONG, embed_error, embeddings_error
from llama_runner.relay.record import Durations
from llama_runner.relay.relay_request import Task
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Wish

TOOK = Durations(1.5, 0.25)


def body_of(**fields: Any) -> bytes:
    return orjson.dumps({"model": "a", **fields})


def engines(*vectors: list[float], tokens: int = 7) -> bytes:
    data = [{"embedding": vector, "index": index} for index, vector in enumerate(vectors)]
    return orjson.dumps({"data": data[::-1], "usage": {"prompt_tokens": tokens}})


def answer(asked: EmbedAsked, body: bytes) -> Any:
    reply = asked.reply(asked.request_to(Target("key", None)))
    assert reply.feed(body) == b""
    return orjson.loads(reply.end(TOOK))


def embed(*vectors: list[float], **fields: Any) -> Any:
    asked = EmbedTongue().read(body_of(**{"input": "x", **fields}), {})
    return answer(asked, engines(*vectors))


def test_texts_go_to_the_engine_in_openai_s_words() -> None:
    asked = EmbedTongue().read(
        body_of(input=["x", "y"], keep_alive="1m", options={"num_ctx": 9}), {}
    )
    request = asked.request_to(Target("key", None))
    assert request.task is Task.EMBEDDING
    sent = orjson.loads(request.upstream_body("key", {}))
    assert sent == {"model": "key", "input": ["x", "y"], "encoding_format": "float"}
    assert request.keep_alive == 60
    assert asked.wish is Wish.ANSWER


def test_the_answer_has_ollama_s_shape_and_the_order_of_the_texts() -> None:
    assert embed([1.0, 0.0], [0.0, 1.0], model=" A ") == {
        "model": " A ",
        "embeddings": [[1.0, 0.0], [0.0, 1.0]],
        "total_duration": 1_500_000_000,
        "load_duration": 250_000_000,
        "prompt_eval_count": 7,
    }


@given(
    vector=st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=9),
    dimensions=st.integers(-3, 12),
)
def test_a_cut_vector_has_length_one_again(vector: list[float], dimensions: int) -> None:
    (found,) = embed(vector, dimensions=dimensions)["embeddings"]
    if 0 < dimensions < len(vector):
        assert len(found) == dimensions
        assert hypot(*found) == pytest.approx(1 if any(vector[:dimensions]) else 0)
    else:
        assert found == vector


@pytest.mark.parametrize("given_input", ["", [], None])
def test_nothing_to_embed_only_loads(given_input: Any) -> None:
    asked = EmbedTongue().read(body_of(input=given_input), {})
    assert asked.wish is Wish.LOAD
    assert orjson.loads(asked.without_work()) == {"model": "a", "embeddings": []}


def test_an_old_request_is_one_text() -> None:
    asked = EmbeddingsTongue().read(body_of(prompt="x"), {})
    assert asked.request_to(Target("key", None)).fields["input"] == ["x"]
    assert answer(asked, engines([1.0])) == {"embedding": [1.0]}
    asked = EmbeddingsTongue().read(body_of(), {})
    assert asked.wish is Wish.LOAD
    assert orjson.loads(asked.without_work()) == {"embedding": []}


@pytest.mark.parametrize("given_input", [7, {}, True, ["x", 7], [["x"]], [None]])
def test_what_is_no_text_is_refused_before_anything_else(given_input: Any) -> None:
    with pytest.raises(BadRequest, match="^invalid input type$"):
        EmbedTongue().read(body_of(model="", input=given_input), {})


@pytest.mark.parametrize(
    ("tongue", "status", "message"),
    [
        (EmbedTongue(), 404, "model '' not found"),
        (EmbeddingsTongue(), 400, "model is required"),
    ],
)
def test_no_model_is_told_differently(tongue: Any, status: int, message: str) -> None:
    for body in (b"{}", b'{"model":" "}', b'{"model":null}'):
        with pytest.raises(BadRequest) as refused:
            tongue.read(body, {})
        assert (refused.value.status, str(refused.value)) == (status, message)


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"{}", b'{"data":7,"usage":{"prompt_tokens":1}}', b'{"data":[]}', b"{"),
        b'{"data":[{"index":"x","embedding":[]}],"usage":{"prompt_tokens":1}}',
    ],
)
def test_an_answer_that_is_none_is_told_so(body: bytes) -> None:
    with pytest.raises(RunnerLost):
        answer(EmbedTongue().read(body_of(input="x"), {}), body)


def test_each_route_has_its_words_for_errors() -> None:
    unknown = 'model "b" not found, try pulling it first'
    long = EngineRefused("too long", status=400, kind="exceed_context_size_error")
    batch = EngineRefused("input (9 tokens) is too large to process", status=500)
    useless = BadRequest("no", code="not_supported")
    for error, status, message in [
        (UnknownModel("b"), 404, unknown),
        (long, 400, TOO_LONG),
        (batch, 400, TOO_LONG),
        (useless, 501, "no"),
    ]:
        worded = embed_error(error)
        assert (worded.status, worded.message) == (status, message)
    for error, status, message in [
        (UnknownModel("b"), 404, unknown),
        (long, 500, "too long"),
        (useless, 500, "no"),
    ]:
        worded = embeddings_error(error)
        assert (worded.status, worded.message) == (status, message)
