from __future__ import annotations

import pytest

from llama_runner.relay.relay_request import Task
from llama_runner.relay.whole_answer import is_answer

CHOICES = b'{"choices":[{"message":{"content":"x"}}]}'
RANKS = b'{"results":[{"index":0,"relevance_score":-4.5}]}'
EMBEDDING = b'{"model":"m", "data" : [ {"embedding":[1]}]}'


@pytest.mark.parametrize(
    ("task", "body", "answers"),
    [
        (Task.CHAT, CHOICES, True),
        (Task.CHAT, b"\n " + CHOICES + b"\n", True),
        (Task.EMBEDDING, EMBEDDING, True),
        (Task.EMBEDDING, CHOICES, False),
        (Task.CHAT, b"", False),
        (Task.CHAT, b"{}", False),
        (Task.CHAT, b'{"choices":[]}', False),
        (Task.CHAT, CHOICES[:-1], False),
        (Task.CHAT, b"[" + CHOICES + b"]", False),
        (Task.CHAT, b'{"id":"\\"choices\\":[1]"}', False),
        (Task.EMBEDDING, b'{"data": [ ]}', False),
        (Task.EMBEDDING, b"<html>", False),
        (Task.RERANK, RANKS, True),
        (Task.RERANK, b'[{"index":0,"score":1.5}]\n', True),
        (Task.RERANK, b'{"results":[]}', False),
        (Task.RERANK, b"[]", False),
        (Task.RERANK, EMBEDDING, False),
        (Task.EMBEDDING, b'[{"index":0,"data":[1]}]', False),
    ],
)
def test_only_what_holds_something_is_an_answer(task: Task, body: bytes, answers: bool) -> None:
    assert is_answer(task, body) is answers
