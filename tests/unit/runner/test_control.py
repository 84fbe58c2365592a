from __future__ import annotations

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import pytest
import trio

from llama_runner.errors import RunnerLost
from llama_runner.runner.child import Slot
from llama_runner.runner.control import HttpControl, open_control
from llama_runner.runner.port import free_port
from tests.support.fake_child import fake_launch

KEY = {"Authorization": "Bearer key"}


def control_of(answer) -> HttpControl:
    transport = httpx.MockTransport(answer)
    return HttpControl(
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1", headers=KEY)
    )


@pytest.mark.parametrize(
    ("with_key", "without", "ours"),
    [(200, 401, True), (200, 200, False), (401, 401, False), (404, 404, False), (503, 401, False)],
    ids=["ours", "keyless", "another's key", "another program", "loading"],
)
async def test_ready_is_who_takes_our_key_and_no_other(with_key, without, ours):
    def answer(request: httpx.Request) -> httpx.Response:
        has_key = request.headers["authorization"] == KEY["Authorization"]
        return httpx.Response(with_key if has_key else without)

    assert await control_of(answer).is_ready() is ours


async def test_slots_are_read():
    slots = [{"id": 0, "is_processing": False, "n_ctx": 1}, {"id": 1, "is_processing": True}]
    control = control_of(lambda request: httpx.Response(200, json=slots))

    assert await control.slots() == (Slot(0, busy=False), Slot(1, busy=True))


@pytest.mark.parametrize("answer", [b"{}", b"[1]", b'[{"id": 0}]', b"not json"])
async def test_slots_of_an_unknown_form_are_an_error(answer):
    with pytest.raises(RunnerLost):
        await control_of(lambda request: httpx.Response(200, content=answer)).slots()


async def test_props_are_an_object_or_an_error():
    assert await control_of(lambda request: httpx.Response(200, json={"a": 1})).props() == {"a": 1}
    with pytest.raises(RunnerLost, match="not an object"):
        await control_of(lambda request: httpx.Response(200, json=[])).props()
    with pytest.raises(RunnerLost, match="does not answer /props"):
        await control_of(lambda request: httpx.Response(401)).props()


async def test_nobody_there_is_not_ready_and_a_lost_runner():
    with trio.fail_after(30):
        async with open_control(fake_launch(port=free_port())) as control:
            assert not await control.is_ready()
            with pytest.raises(RunnerLost):
                await control.slots()
