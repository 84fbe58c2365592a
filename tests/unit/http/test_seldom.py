from __future__ import annotations

import trio
from trio.testing import MockClock

from llama_runner.http.seldom import Seldom


async def test_it_is_due_at_once_and_then_once_in_so_many_seconds(
    autojump_clock: MockClock,
) -> None:
    seldom = Seldom(every=60.0)
    assert seldom.is_due()
    assert not seldom.is_due()
    await trio.sleep(59)
    assert not seldom.is_due()
    await trio.sleep(1)
    assert seldom.is_due()
    assert not seldom.is_due()
