"""Files that come over connections which are cut, stall, lie and end."""

from __future__ import annotations

import errno
import os
import sys
from collections import deque
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from llama_runner.errors import PullFailed
from llama_runner.store.interrupted import TRIES
from llama_runner.store.web import STALL_LIMIT
from tests.support.downloads import DATA, PATH, PIECE, SIZE, downloaded
from tests.support.model_server import ModelServer, Told, open_model_server


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """The virtual clock, which leaves threads the time that they need."""
    autojump_clock.autojump_threshold = 0.05
    return autojump_clock


def left_in(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in folder.iterdir())


async def test_a_file_comes_whole_and_over_several_connections(
    clock: MockClock, tmp_path: Path
) -> None:
    told: list[int] = []
    async with open_model_server(files={PATH: DATA}) as server:
        path = await downloaded(server.base, tmp_path, tell=told.append)
        assert path.read_bytes() == DATA
        asked = [each for each in server.ranges(PATH) if each]
        assert sorted(asked) == [(0, 16 * PIECE), (16 * PIECE, 32 * PIECE), (32 * PIECE, SIZE)]
    assert told[0] == 0 and told[-1] == SIZE and told == sorted(told)
    assert left_in(tmp_path) == [""]


async def test_connections_that_are_cut_are_taken_up_where_they_ended(
    clock: MockClock, tmp_path: Path
) -> None:
    cuts = deque([1000, 0, PIECE, 3 * PIECE + 5, 17, PIECE - 1])
    async with open_model_server(files={PATH: DATA}, cuts=cuts, chunk=500) as server:
        path = await downloaded(server.base, tmp_path)
        assert path.read_bytes() == DATA
        assert server.sent == SIZE, "something was sent twice"


async def test_a_source_that_stalls_is_asked_again(clock: MockClock, tmp_path: Path) -> None:
    async with open_model_server(files={PATH: DATA}, stops_after=9000, chunk=500) as server:

        async def go_on() -> None:
            await server.stopped.wait()
            server.stops_after = None

        async with trio.open_nursery() as nursery:
            nursery.start_soon(go_on)
            path = await downloaded(server.base, tmp_path)
        assert path.read_bytes() == DATA
    assert STALL_LIMIT < trio.current_time() < 2 * STALL_LIMIT


@pytest.mark.parametrize("wish", [{}, {"retry-after": "7"}])
async def test_a_busy_source_is_asked_again_when_it_says(
    clock: MockClock, tmp_path: Path, wish: dict[str, str]
) -> None:
    amiss = deque([Told(429, headers=wish), Told(503, headers=wish), Told(500, headers=wish)])
    async with open_model_server(files={PATH: DATA}, amiss=amiss) as server:
        path = await downloaded(server.base, tmp_path)
        assert path.read_bytes() == DATA and len(server.asked) == 6
    assert (7 <= trio.current_time() < 8) if wish else (1 <= trio.current_time() < 2)


async def test_a_source_that_stays_away_is_given_up(clock: MockClock, tmp_path: Path) -> None:
    amiss = deque(Told(503) for _ in range(4 * TRIES))
    async with open_model_server(files={PATH: DATA}, amiss=amiss) as server:
        with pytest.raises(PullFailed, match=rf"answers 503 \(tried {TRIES} times\)"):
            await downloaded(server.base, tmp_path)
    assert left_in(tmp_path) == ["part", "part.record"]


async def test_a_source_without_ranges_is_enough(clock: MockClock, tmp_path: Path) -> None:
    async with open_model_server(files={PATH: DATA}, knows_ranges=False) as server:
        path = await downloaded(server.base, tmp_path)
        assert path.read_bytes() == DATA


async def test_another_file_than_was_said_is_refused(clock: MockClock, tmp_path: Path) -> None:
    async with open_model_server(files={PATH: DATA + b"more"}) as server:
        with pytest.raises(PullFailed, match=f"has {SIZE + 4} bytes, not {SIZE}"):
            await downloaded(server.base, tmp_path)


@pytest.mark.parametrize("lasts", [False, True])
async def test_what_was_damaged_on_its_way_is_replaced_or_refused(
    clock: MockClock, tmp_path: Path, lasts: bool
) -> None:
    done: set[int] = set()

    def spoil(path: str, begin: int, data: bytes) -> bytes:
        if begin == 16 * PIECE and (lasts or not done):
            done.add(begin)
            return data[:99] + bytes([data[99] ^ 1]) + data[100:]
        return data

    async with open_model_server(files={PATH: DATA}, spoil=spoil) as server:
        if lasts:
            with pytest.raises(PullFailed, match="digest mismatch, file must be downloaded again"):
                await downloaded(server.base, tmp_path)
            assert left_in(tmp_path) == []
        else:
            path = await downloaded(server.base, tmp_path)
            assert path.read_bytes() == DATA


async def interrupted(server: ModelServer, folder: Path, after: int) -> None:
    """Cancel a download when the server has sent ``after`` bytes, and stopped."""
    server.stops_after, server.sent, server.stopped = after, 0, trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(downloaded, server.base, folder)
        await server.stopped.wait()
        nursery.cancel_scope.cancel()
    server.stops_after = None


async def test_what_was_damaged_on_the_disk_is_fetched_again_and_nothing_else(
    clock: MockClock, tmp_path: Path
) -> None:
    async with open_model_server(files={PATH: DATA}, chunk=1000, pause=0.01) as server:
        await interrupted(server, tmp_path, SIZE - 3 * PIECE)
        (part,) = tmp_path.glob("*.part")
        kept = _whole(tmp_path)
        spoiled = sorted(kept)[5]
        with part.open("r+b") as file:
            file.seek(spoiled * PIECE + 17)
            file.write(b"spoiled")
        server.asked.clear()
        path = await downloaded(server.base, tmp_path)
        assert path.read_bytes() == DATA
        again = [each for each in server.ranges(PATH) if each and _covers(each, kept)]
        assert again == [(spoiled * PIECE, (spoiled + 1) * PIECE)]


def _covers(span: tuple[int, int], kept: set[int]) -> bool:
    return bool(kept & set(range(span[0] // PIECE, -(-span[1] // PIECE))))


def _whole(folder: Path) -> set[int]:
    """Return the pieces of which the record tells."""
    (record,) = folder.glob("*.record")
    return {int(line.split()[0]) for line in record.read_text().splitlines()[1:]}


async def test_fifty_downloads_that_were_cancelled_go_on(clock: MockClock, tmp_path: Path) -> None:
    random = Random(50)
    async with open_model_server(files={PATH: DATA}, chunk=3000) as server:
        for number in range(50):
            folder = tmp_path / str(number)
            folder.mkdir()
            await interrupted(server, folder, random.randrange(1, SIZE))
            kept = _whole(folder)
            server.asked.clear()
            path = await downloaded(server.base, folder)
            assert path.read_bytes() == DATA, number
            spans = [each for each in server.ranges(PATH) if each]
            assert not [each for each in spans if _covers(each, kept)], number
            assert left_in(folder) == [""]


def kills(config: pytest.Config) -> int:
    return 50 if config.getoption("--soak") else 4


@pytest.mark.slow
async def test_downloads_that_were_killed_go_on(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    random = Random()
    count = kills(pytestconfig)
    async with open_model_server(files={PATH: DATA}, chunk=3000) as server:
        for number in range(count):
            folder = tmp_path / str(number)
            folder.mkdir()
            server.stops_after = offset = random.randrange(1, SIZE)
            server.sent, server.stopped = 0, trio.Event()
            command = [sys.executable, "-m", "tests.support.downloads", server.base, str(folder)]
            run = partial(trio.run_process, command, check=False)
            async with trio.open_nursery() as nursery:
                child: Any = await nursery.start(run)
                await server.stopped.wait()
                child.kill()
            server.stops_after = None
            path = await downloaded(server.base, folder)
            assert path.read_bytes() == DATA, f"killed after {offset} bytes"
    print(f"killed and resumed: {count} of {count}")


async def test_a_full_disk_is_told_and_what_came_stays(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    fsync = os.fsync

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count > 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    async with open_model_server(files={PATH: DATA}) as server:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(PullFailed, match="cannot be kept: .*No space left"):
                await downloaded(server.base, tmp_path)
        assert _whole(tmp_path)
        assert (await downloaded(server.base, tmp_path)).read_bytes() == DATA


async def test_a_file_moves_to_another_host_and_the_token_does_not(
    clock: MockClock, tmp_path: Path
) -> None:
    async with (
        open_model_server(files={"/moved": DATA}) as elsewhere,
        open_model_server() as server,
    ):
        server.told[PATH] = Told(302, headers={"location": f"{elsewhere.base}/moved"})
        path = await downloaded(server.base, tmp_path, token="hf_secret")
        assert {each.headers["authorization"] for each in server.asked} == {"Bearer hf_secret"}
        assert not any("authorization" in each.headers for each in elsewhere.asked)
        assert len(elsewhere.asked) == 3
    assert path.read_bytes() == DATA
