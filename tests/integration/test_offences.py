"""Whoever costs too much gets the answer that docs/USAGE.md names, and nobody else notices."""

from __future__ import annotations

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.limits import LimitsConfig
from llama_runner.config.setting import settings_of
from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.offences import OFFENCES
from tests.support.offences.offence import Offence, staged


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.what)
async def test_an_offender_gets_its_documented_answer(
    autojump_clock: MockClock, offence: Offence
) -> None:
    async with staged(offence) as stage:
        assert await offence.commit(stage) == offence.sees
        for client in stage.listener.clients:
            client.close()
        await wait_all_tasks_blocked()
        path = "/api/status" if offence.facade == "dashboard" else "/v1/models"
        reply = await ask(stage.client(), request_bytes("GET", path), "GET")
        assert reply.status == 200


def test_every_limit_has_its_offender() -> None:
    named = {key for offence in OFFENCES for key in offence.keys}
    assert {f"limits.{name}" for name in settings_of(LimitsConfig)} <= named
