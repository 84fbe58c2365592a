"""One llama-server child, from spawn to exit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

import trio
from attrs import define, field

from llama_runner.concurrency.first import first
from llama_runner.concurrency.groups import sole_error
from llama_runner.concurrency.watched import Watched
from llama_runner.errors import RunnerLost, StartFailed
from llama_runner.runner.attempt import Attempt
from llama_runner.runner.child import Child, Spawner
from llama_runner.runner.child_protocol import ChildLoading, ChildReady, Message
from llama_runner.runner.diagnosis import (
    Cause,
    Diagnosis,
    diagnose,
    not_ready_within,
    not_runnable,
    port_taken,
)
from llama_runner.runner.launch import Launch
from llama_runner.runner.log_forwarder import LogForwarder
from llama_runner.runner.log_tail import LogTail
from llama_runner.runner.output import read_log, read_messages
from llama_runner.runner.settings_check import differences
from llama_runner.runner.state import Exited, Ready, RunnerState, Starting, Stopping

logger = logging.getLogger(__name__)

PROBE_EVERY = 0.01
# A child that speaks of its loading will speak of its readiness; we still look now and then.
PROBE_TALKER_EVERY = 1.0
PORT_TRIES = 3
TAIL_LINES = 60
# What a dead child has printed is in the pipe already; only someone it left behind could add.
LAST_WORDS = 0.25


WhileReady = Callable[[Launch], AbstractAsyncContextManager[object]]


def _nothing(_launch: Launch) -> AbstractAsyncContextManager[object]:
    return nullcontext()


@define(eq=False)
class Runner:
    """Runs one child and tells how it fares.

    ``run`` is the only owner of the child: cancel the task running it and the
    child is dead by the time that task ends. ``while_ready`` is entered when
    the child is ready and left before it is stopped: connections to it belong
    there, since an open one makes it deaf to the request to exit.
    """

    _next_launch: Callable[[], Launch]
    _spawn: Spawner
    _while_ready: WhileReady = _nothing
    state: Watched[RunnerState] = field(factory=lambda: Watched(Starting()), init=False)
    tail: LogTail = field(factory=LogTail, init=False)
    _attempt: Attempt | None = field(default=None, init=False)
    _hurried: bool = field(default=False, init=False)

    @property
    def launch(self) -> Launch | None:
        """The launch of the current child, or of the last one."""
        return self._attempt.launch if self._attempt is not None else None

    @property
    def child(self) -> Child | None:
        """The current child, or the last one; None before there is one."""
        return self._attempt.child if self._attempt is not None else None

    def hurry(self) -> None:
        """Make the stop, running or yet to come, a quick one."""
        self._hurried = True
        if self.child is not None:
            self.child.hurry()

    async def run(self) -> None:
        """Keep a child until it exits; leave nothing of it behind.

        Returns when a child that has served exits; the state says why.

        Raises:
            StartFailed: none became ready; the message is meant for the user.
        """
        try:
            attempt = await self._try_ports()
        finally:
            self.state.set(self._exited())
        if not attempt.served:
            raise StartFailed(f"{attempt.launch.name} did not start: {attempt.diagnosis.message}")

    async def _try_ports(self) -> Attempt:
        for _ in range(PORT_TRIES):
            attempt = self._attempt = Attempt(self._next_launch(), first_line=self.tail.end)
            await self._run_once(attempt)
            if attempt.served or attempt.diagnosis.cause is not Cause.PORT_TAKEN:
                break
            logger.info("%s: %s", attempt.launch.name, attempt.diagnosis.message)
            self.state.set(Starting())
        return attempt

    async def _run_once(self, attempt: Attempt) -> None:
        try:
            with sole_error():
                await self._own(attempt)
        except OSError as error:
            if attempt.child is not None:
                raise
            attempt.diagnosis = not_runnable(error, attempt.launch.command[0])
            return
        # Only now are its last words in.
        attempt.diagnosis = self._diagnose(attempt)

    async def _own(self, attempt: Attempt) -> None:
        # Whoever does not read a child's pipes freezes it, so they are read until
        # it is dead, also while we are being cancelled; the end of the spawner's
        # block, which has a bound, gives the readers theirs.
        listening = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            try:
                async with self._spawn(attempt.launch) as child:
                    listen = partial(self._listen, attempt, child, listening)
                    nursery.start_soon(listen)  # noqa: ASYNC111 - its pipes outlive the child
                    await self._tend(attempt, child)
            finally:
                listening.deadline = trio.current_time() + LAST_WORDS

    async def _tend(self, attempt: Attempt, child: Child) -> None:
        attempt.child = child
        if self._hurried:
            child.hurry()
        try:
            with trio.move_on_after(attempt.launch.ready_within):
                await first(child.wait, attempt.wait_ready, partial(_probe, attempt, child))
            if attempt.is_ready and child.exit_code is None:
                await self._serve(attempt, child)
            attempt.exit_code = child.exit_code
        finally:
            self.state.set(Stopping())

    async def _serve(self, attempt: Attempt, child: Child) -> None:
        child.served()
        attempt.served = True
        async with self._while_ready(attempt.launch), trio.open_nursery() as nursery:
            self.state.set(Ready(attempt.launch, attempt.meta))
            nursery.start_soon(_check_settings, attempt.launch, child)
            await child.wait()
            nursery.cancel_scope.cancel()

    async def _listen(self, attempt: Attempt, child: Child, listening: trio.CancelScope) -> None:
        forwarder = LogForwarder(attempt.launch.name, self.tail)
        with listening:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(forwarder.run)
                async with trio.open_nursery() as readers:
                    readers.start_soon(read_log, child.stderr, self.tail)
                    hear = partial(self._hear, attempt)
                    readers.start_soon(read_messages, child.stdout, self.tail, hear)
                nursery.cancel_scope.cancel()
        forwarder.forward()

    def _hear(self, attempt: Attempt, message: Message) -> None:
        attempt.talks = True
        match message, self.state.value:
            case ChildLoading(progress), Starting():
                self.state.set(Starting(progress))
            case ChildReady(meta), _ if not attempt.is_ready:
                attempt.become_ready(meta)
            case ChildReady(meta), Ready():
                # A probe was quicker than the child's own word.
                self.state.set(Ready(attempt.launch, meta))

    def _diagnose(self, attempt: Attempt) -> Diagnosis:
        lines = self.tail.since(attempt.first_line).lines[-TAIL_LINES:]
        if attempt.exit_code is None:
            return not_ready_within(attempt.launch.ready_within, lines)
        found = diagnose(attempt.exit_code, lines)
        if found.cause is Cause.UNKNOWN and not attempt.served and _lost_its_port(attempt):
            return port_taken(attempt.launch.port)
        return found

    def _exited(self) -> Exited:
        attempt = self._attempt
        if attempt is None:
            return Exited(None, Diagnosis(Cause.UNKNOWN, "it was never started"))
        code = attempt.child.exit_code if attempt.child is not None else None
        return Exited(code, attempt.diagnosis, self.tail.last(TAIL_LINES))


def _lost_its_port(attempt: Attempt) -> bool:
    # It says so itself, but its log has a thread of its own: on Windows, one that
    # ends at once can take the lines that tell why with it.
    return attempt.child is not None and attempt.child.control.port_is_taken()


async def _probe(attempt: Attempt, child: Child) -> None:
    while not await child.control.is_ready():  # noqa: ASYNC110 - nobody tells us
        await trio.sleep(PROBE_TALKER_EVERY if attempt.talks else PROBE_EVERY)
    attempt.become_ready({})


async def _check_settings(launch: Launch, child: Child) -> None:
    try:
        props = await child.control.props()
    except RunnerLost as error:
        logger.warning("%s: its settings could not be read back: %s", launch.name, error)
        return
    for difference in differences(launch, props):
        logger.warning("%s: %s", launch.name, difference)
