"""Tells a client that its model has a smaller context than it wanted."""

from __future__ import annotations

from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.lender import Place
from llama_runner.relay.relay_request import RelayRequest

HEADER = b"x-context-length"


def tell_context(request: RelayRequest, place: Place, answer: ClientAnswer) -> None:
    """Say with the answer how many tokens there are, if they are fewer than were wanted.

    Before the lease that is what the model will have as far as it is known, so it is told
    again with it, unless the answer has begun.
    """
    if request.context is None or answer.started:
        return
    held = place.context
    if 0 < held < request.context:
        answer.say(HEADER, b"%d" % held)
