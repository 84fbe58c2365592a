"""How a streamed answer is made into the whole one that a client asked for."""

from __future__ import annotations

from llama_runner.relay.joined import Joiner
from llama_runner.relay.joined_chat import ChatJoiner
from llama_runner.relay.joined_completion import CompletionJoiner
from llama_runner.relay.relay_request import RelayRequest, Task


def joiner_for(request: RelayRequest) -> Joiner:
    """Return a joiner for the answer to ``request``."""
    return ChatJoiner() if request.task is Task.CHAT else CompletionJoiner()
