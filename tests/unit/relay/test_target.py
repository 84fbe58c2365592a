"""What a model is refused for before it is loaded."""

from __future__ import annotations

import pytest

from llama_runner.errors import BadRequest
from llama_runner.relay.relay_request import Task
from llama_runner.relay.target import Target


def test_a_target_of_which_nothing_is_known_is_refused_nothing():
    for task in Task:
        Target("a", None).refuse_unless_it_does(task)


def test_what_a_model_cannot_do_is_refused_with_what_it_can():
    target = Target("minilm", None, tasks=(Task.EMBEDDING,))
    target.refuse_unless_it_does(Task.EMBEDDING)
    with pytest.raises(BadRequest) as caught:
        target.refuse_unless_it_does(Task.CHAT)
    assert str(caught.value) == (
        "minilm does not serve /v1/chat/completions; it serves /v1/embeddings"
    )
    assert (caught.value.param, caught.value.code) == ("model", "not_supported")


def test_a_model_that_serves_no_route_says_so():
    with pytest.raises(BadRequest, match="serves none of these routes"):
        Target("a", None, tasks=()).refuse_unless_it_does(Task.COMPLETION)
