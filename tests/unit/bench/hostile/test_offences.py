from __future__ import annotations

from collections import Counter
from itertools import islice

import orjson
import pytest

from llama_runner.config.app import AppConfig
from llama_runner.wire.request_head import HEAD_END, parse_request_head
from tests.bench.hostile.figures import Attacked, as_documented
from tests.bench.hostile.offences import (
    OFFENCES,
    PIPELINED,
    Offence,
    Target,
    flood_headers,
    pipeline,
    send_large,
)
from tests.bench.hostile.step import Script, Send

TARGET = Target("127.0.0.1", "/v1/chat/completions", "bench")


def sent(script) -> bytes:
    return b"".join(step.data for step in script if isinstance(step, Send))


def test_the_large_body_is_a_request_in_order() -> None:
    head, _, body = sent(send_large(TARGET, megabytes=3)).partition(HEAD_END)
    assert parse_request_head(head + HEAD_END).content_length == len(body) > 3_000_000
    (message,) = orjson.loads(body)["messages"]
    assert message["role"] == "user" and len(message["content"]) == 3_000_000


def announced(script: Script) -> int:
    first = next(script)
    assert isinstance(first, Send)
    head = parse_request_head(first.data.partition(HEAD_END)[0] + HEAD_END)
    return head.content_length or 0


def test_one_large_body_is_more_than_is_taken_and_one_is_not() -> None:
    refused, taken = (
        announced(offence.script(TARGET)) for offence in OFFENCES if " MB" in offence.name
    )
    assert taken <= AppConfig().limits.max_body_bytes < refused


def test_a_flood_of_headers_is_beyond_what_a_head_may_have() -> None:
    data = sent(flood_headers(TARGET))
    assert data.endswith(HEAD_END) and len(data) > 65_536


def test_of_a_pipeline_only_the_last_request_closes() -> None:
    data = sent(pipeline(TARGET))
    assert data.count(b"POST ") == PIPELINED
    assert data.count(b"Connection: close") == 1 and b'"none"' in data


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.name)
def test_an_offence_begins_and_says_what_it_may_be_answered(offence: Offence) -> None:
    assert offence.answers and offence.megabytes >= 16
    steps = list(islice(offence.script(TARGET), 3))
    assert bool(steps) is (offence.answers != ("nothing, left",))


def offence(*answers: str) -> Offence:
    return Offence(name="x", script=lambda target: iter(()), at_once=1, answers=answers)


def test_the_share_of_documented_answers_is_told() -> None:
    answers = Counter({"408, closed": 3, "nothing, closed": 1})
    assert as_documented(offence("408, closed"), answers) == 75.0


def test_what_still_goes_on_counts_only_where_it_should() -> None:
    answers = Counter({"nothing, still open": 5})
    assert as_documented(offence("408, closed"), answers) is None
    assert as_documented(offence("nothing, still open"), answers) == 100.0


def test_a_line_says_what_was_done_and_what_it_cost() -> None:
    attacked = Attacked(30, Counter({"408, closed": 30}), processor=0.5, seconds=10.0)
    assert attacked.told("slow") == "slow: 3 begun a second, 5 % of a core; 30 (408, closed)"
