from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from llama_runner.relay.refusal import refusal_in_stream, refusal_of


def test_what_the_engine_says_is_kept() -> None:
    refusal = refusal_of(
        400,
        b'{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_ctx":9}}',
    )
    assert str(refusal) == "too long"
    assert (refusal.status, refusal.kind) == (400, "exceed_context_size_error")
    assert refusal.details == {"n_ctx": 9}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"", "the engine answered with status 502"),
        (b'{"error":"in plain words"}', "in plain words"),
        (b'{"error":{}}', "the engine gave no reason"),
    ],
)
def test_an_answer_of_another_shape_is_quoted(body: bytes, message: str) -> None:
    refusal = refusal_of(502, body)
    assert (str(refusal), refusal.status) == (message, 502)


@pytest.mark.parametrize(
    ("code", "status"), [(400, 400), (503, 503), (200, 500), ("500", 500), (None, 500)]
)
def test_an_error_in_a_stream_has_the_status_it_says(code: object, status: int) -> None:
    assert refusal_in_stream({"code": code, "message": "no"}).status == status


def test_an_error_in_a_stream_may_be_plain_words() -> None:
    assert (str(refusal_in_stream("no")), refusal_in_stream("no").status) == ("no", 500)


@given(st.binary())
def test_any_body_is_an_error(body: bytes) -> None:
    assert refusal_of(500, body).status == 500
