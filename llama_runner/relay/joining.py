"""Whether and how a streamed answer is made into the whole one that a client asked for."""

from __future__ import annotations

from llama_runner.relay.joined import Joiner
from llama_runner.relay.joined_chat import ChatJoiner
from llama_runner.relay.joined_completion import CompletionJoiner
from llama_runner.relay.relay_request import RelayRequest, Task


def joiner_for(request: RelayRequest) -> Joiner:
    """Return a joiner for the answer to ``request``."""
    return ChatJoiner() if request.task is Task.CHAT else CompletionJoiner()


def can_be_joined(request: RelayRequest) -> bool:
    """Return whether the engine streams what ``request`` asks for.

    It refuses log probabilities together with tools in a stream, though not in
    a whole answer. Such a request must go up as it came, and a client that
    leaves is then noticed late.
    """
    fields = request.fields
    return not (request.task is Task.CHAT and fields.get("logprobs") and fields.get("tools"))
