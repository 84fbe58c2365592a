"""What a child is asked of its slots' files, and what is understood of its answers."""

from __future__ import annotations

from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import orjson
import pytest
import trio

from llama_runner.errors import RunnerLost
from llama_runner.runner.port import free_port
from llama_runner.runner.slot_files import HttpSlotFiles, Moved, Reading, open_slot_files
from tests.support.fake_child import fake_launch

# As b11434 answers.
SAVED = {
    "id_slot": 1,
    "filename": "f.bin",
    "n_saved": 34,
    "n_written": 784680,
    "timings": {"save_ms": 500},
}
RESTORED = {
    "id_slot": 1,
    "filename": "f.bin",
    "n_restored": 34,
    "n_read": 784680,
    "timings": {"restore_ms": 0.5},
}
COMPLETED = {"tokens": [1, 2], "timings": {"cache_n": 3, "prompt_n": 4, "prompt_ms": 5.0}}


def files_of(answer: Any, status: int = 200, asked: list[Any] | None = None) -> HttpSlotFiles:
    def respond(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append((str(request.url), orjson.loads(request.content)))
        return httpx.Response(status, content=orjson.dumps(answer))

    transport = httpx.MockTransport(respond)
    return HttpSlotFiles(httpx.AsyncClient(transport=transport, base_url="http://child"))


async def test_a_slot_is_saved_and_restored() -> None:
    asked: list[Any] = []
    assert await files_of(SAVED, asked=asked).save(1, "f.bin") == Moved(34, 784680, 0.5)
    assert await files_of(RESTORED, asked=asked).restore(1, "f.bin") == Moved(34, 784680, 0.0005)
    assert asked == [
        ("http://child/slots/1?action=save", {"filename": "f.bin"}),
        ("http://child/slots/1?action=restore", {"filename": "f.bin"}),
    ]


async def test_a_prompt_is_read_in_its_slot() -> None:
    asked: list[Any] = []
    files = files_of(COMPLETED, asked=asked)
    assert await files.read(1, (7, 8), 2) == Reading((1, 2), 3, 4, 0.005)
    ((url, fields),) = asked
    assert url == "http://child/completion"
    assert (fields["prompt"], fields["id_slot"], fields["n_predict"]) == ([7, 8], 1, 2)
    assert (fields["temperature"], fields["cache_prompt"]) == (0, True)


async def test_a_refusal_is_told_in_the_childs_words() -> None:
    error = {"error": {"code": 501, "message": "This feature is not supported by multimodal"}}
    with pytest.raises(RunnerLost, match="not supported by multimodal"):
        await files_of(error, 501).save(0, "f")
    with pytest.raises(RunnerLost, match="500"):
        await files_of({}, 500).save(0, "f")


@pytest.mark.parametrize("answer", [{}, [], None, {"timings": {"save_ms": "1"}}, RESTORED])
async def test_an_answer_of_an_unknown_form_is_an_error(answer: Any) -> None:
    with pytest.raises(RunnerLost, match="another form"):
        await files_of(answer).save(0, "f")
    with pytest.raises(RunnerLost, match="another form"):
        await files_of(answer).read(0, (1,), 1)


async def test_nobody_there_is_a_lost_runner() -> None:
    with trio.fail_after(30):
        async with open_slot_files(fake_launch(port=free_port())) as files:
            with pytest.raises(RunnerLost, match="does not answer"):
                await files.save(0, "f")
