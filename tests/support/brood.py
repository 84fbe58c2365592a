"""A program that does nothing but start children over the lifeline, for tests that kill it.

Run as ``python -m tests.support.brood STATE RUN COUNT``: it keeps COUNT children
at a time, has RUN in their environment, and starts another for each that it
has stopped. It prints "up" when it begins.
"""

from __future__ import annotations

import logging
import secrets
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import trio

from llama_runner.runner.child import Spawner
from llama_runner.runner.launch import Launch
from llama_runner.runner.lifetime import open_lifetime
from llama_runner.runner.spawner import system_spawner

RUN = "LLAMA_RUNNER_TEST_RUN"


def of_run(run: str) -> list[psutil.Process]:
    """Return every process that runs and has this in its environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get(RUN) == run:
                found.append(process)
    return found


def brood_launch(run: str) -> Launch:
    """Return a launch of something that lives until it is killed."""
    key = secrets.token_urlsafe(16)
    return Launch(
        command=("/bin/sleep", "600"),
        environment={"LLAMA_API_KEY": key, RUN: run},
        port=1,
        api_key=key,
        name="brood",
    )


async def main(state: Path, run: str, count: int) -> None:
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    async with open_lifetime(system_spawner(), state) as spawn, trio.open_nursery() as nursery:
        print("up", flush=True)
        for number in range(count):
            nursery.start_soon(_live, spawn, run, number / 100)


async def _live(spawn: Spawner, run: str, pause: float) -> None:
    await trio.sleep(pause)
    while True:
        with trio.move_on_after(0.03):
            async with spawn(brood_launch(run)) as child:
                await child.stdout.aclose()
                await child.stderr.aclose()
                await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(partial(main, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
