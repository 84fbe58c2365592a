"""Reads a large request, step by step, so that everybody else has a turn meanwhile."""

from __future__ import annotations

from llama_runner.concurrency.turns import in_turns
from llama_runner.errors import BadRequest
from llama_runner.relay.relay_request import RelayRequest, Task, read_relay_request
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import STEP, BrokenString, Parted, TooMuch, part

READ_AT_ONCE = 524_288
"""Bytes of a request that need not be read in turns: some 2 ms."""


async def read_in_turns(task: Task, body: Body, most: int) -> RelayRequest:
    """Read and check a request with its long strings set aside, ``most`` bytes without them.

    Raises:
        BadRequest: naming what is wrong and what was expected; 413 if there is too much of it.

    """
    parted = await parted_in_turns(body, most)
    return read_relay_request(task, parted.text, parted.aside)


async def parted_in_turns(body: Body, most: int) -> Parted:
    """Set the long strings of a body aside; raises BadRequest as ``read_in_turns`` does."""
    try:
        return await in_turns(part(body, most))
    except BrokenString as error:
        raise BadRequest(f"the body is not valid JSON: {error}", code="invalid_json") from error
    except TooMuch:
        message = f"without its strings of over {STEP} bytes the body is larger than"
        code = "request_too_large"
        raise BadRequest(f"{message} the limit of {most} bytes", code=code, status=413) from None
