"""Carries one request to a runner and its answer back.

The client's leaving cancels the call; every ``with`` below then gives back
what it holds, the connection to the engine first of all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import orjson
from attrs import define, field, frozen

from llama_runner.config.app import RelayConfig
from llama_runner.errors import LlamaRunnerError, RunnerLost, ShuttingDown
from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.dialect import Dialect
from llama_runner.events.exchange import Exchange, Outcome
from llama_runner.relay.heartbeat import Heartbeat
from llama_runner.relay.interpreter import Interpreter
from llama_runner.relay.joining import joiner_for
from llama_runner.relay.keeper import Keeper
from llama_runner.relay.lender import Lender
from llama_runner.relay.lent_exchange import JSON, OK, exchange, refuse, take
from llama_runner.relay.pulse import Pulse
from llama_runner.relay.progress_filter import ProgressFilter
from llama_runner.relay.record import Record
from llama_runner.relay.reading import READ_AT_ONCE, read_in_turns
from llama_runner.relay.relay_request import RelayRequest, Task, read_relay_request
from llama_runner.relay.stream_end import is_ended
from llama_runner.relay.tail import Tail
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Tongue
from llama_runner.relay.whole_answer import is_answer
from llama_runner.relay.upstream_exchange import UpstreamExchange, refuse_beyond
from llama_runner.relay.usage import usage_of_answer, usage_of_tail
from llama_runner.relay.whole_events import WholeEvents
from llama_runner.wire.body import Body
from llama_runner.wire.framing import FramingError
from llama_runner.wire.sse import SSEDecoder

TAIL_BYTES = 4096


@frozen
class RelayRoute:
    """One route: what it does, and in whose words."""

    path: str
    task: Task
    dialect: Dialect
    tongue: Tongue | None = None
    """How its requests and answers differ from the engine's, if they do."""


@define(eq=False)
class Relay:
    """Serves the relay routes of all facades."""

    _resolve: Callable[[str], Target]
    _lender: Lender
    _settings: RelayConfig
    _pulse: Pulse
    _publish: Callable[[Exchange], None]
    _keeper: Keeper
    _numbers: count[int] = field(factory=lambda: count(1), init=False)
    _interpreter: Interpreter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._interpreter = Interpreter(
            self._resolve, self._lender, self._settings, self._pulse, self._keeper
        )

    async def serve(self, route: RelayRoute, body: Body, answer: ClientAnswer) -> None:
        """Answer one request, whatever comes of it; report it when it is over."""
        record = Record(next(self._numbers), route.path)
        failure: LlamaRunnerError | None = None
        try:
            with answer.interruption:
                try:
                    await self._carry(route, body, answer, record)
                except LlamaRunnerError as error:
                    failure = error
            cut_off = answer.interruption.cancelled_caught
            if cut_off and answer.left_at is None:
                failure = ShuttingDown("the program is stopping")
            if failure is not None:
                record.outcome, record.error = Outcome.FAILED, str(failure)
                await _tell(failure, route.dialect, answer)
            elif not cut_off:
                record.outcome = Outcome.COMPLETED
        except BaseException:
            record.outcome = Outcome.CANCELLED
            raise
        finally:
            self._publish(record.exchange())

    async def _carry(
        self, route: RelayRoute, body: Body, answer: ClientAnswer, record: Record
    ) -> None:
        if route.tongue is not None:
            await self._interpreter.carry(route.tongue, route.dialect, body, answer, record)
            return
        most = self._settings.max_json_bytes
        if len(body) <= min(READ_AT_ONCE, most):
            request = read_relay_request(route.task, body)
        else:
            request = await read_in_turns(route.task, body, most)
        target = self._resolve(request.model)
        record.model, record.streamed = target.model, request.streams
        target.refuse_unless_it_does(request.task)
        if request.streams:
            await self._stream(route, request, target, answer, record)
        else:
            whole = await self._whole(request, target, answer, record)
            record.first_byte()
            await answer.whole(OK, JSON, whole)

    async def _stream(
        self,
        route: RelayRoute,
        request: RelayRequest,
        target: Target,
        answer: ClientAnswer,
        record: Record,
    ) -> None:
        beat = Heartbeat(answer, route.dialect, record.began + self._pulse.after)
        self._pulse.add(beat)
        try:
            with self._lender.queue(target.spec, answer.client_name, request) as place:
                beat.about(lambda: place.waiting)
                lease = place.lease
                if lease is None:
                    lease = await beat.until(place.granted)
                take(lease, request, record)
                async with exchange(lease, request, target, answer, record) as upstream:
                    await _pass_on(request, upstream, answer, beat, record)
        finally:
            self._pulse.remove(beat)

    async def _whole(
        self, request: RelayRequest, target: Target, answer: ClientAnswer, record: Record
    ) -> bytes:
        with self._lender.queue(target.spec, answer.client_name, request) as place:
            lease = await place.granted()
            take(lease, request, record)
            async with exchange(lease, request, target, answer, record) as upstream:
                if await upstream.head() != OK:
                    await refuse(upstream)
                most = self._settings.max_answer_bytes
                if not request.goes_up_as_stream:
                    body = await upstream.body(most)
                    if not is_answer(request.task, body):
                        raise RunnerLost("the engine's answer is none")
                    record.usage = usage_of_answer(body)
                    return body
                return await _join(request, upstream, record, most)


async def _pass_on(
    request: RelayRequest,
    upstream: UpstreamExchange,
    answer: ClientAnswer,
    beat: Heartbeat,
    record: Record,
) -> None:
    """Hand the stream on: filtered until every choice has begun, untouched from then on."""
    progress, events = ProgressFilter(request.choices, keep=request.wants_progress), WholeEvents()
    beat.about(lambda: progress.waiting)
    next_piece = partial(_filtered, upstream, progress, events)
    piece, tail = b"", Tail(TAIL_BYTES)
    while not (progress.done or upstream.finished):
        piece = await beat.until(next_piece)
        if upstream.status != OK:
            await refuse(upstream)
        tail.feed(piece)
        if piece and not upstream.finished:
            _begin(beat, record)
            await answer.write(piece)
    beat.end()
    if not upstream.finished:
        _begin(beat, record)
    while not upstream.finished:
        piece = events.feed(await upstream.payload())
        tail.feed(piece)
        if piece and not upstream.finished:
            await answer.write(piece)
    record.usage = usage_of_tail(tail.last)
    if not is_ended(tail.last):
        if answer.started:
            await answer.write(piece)
        raise RunnerLost("the engine ended its stream before its answer")
    _begin(beat, record)
    await answer.finish(piece)


async def _filtered(
    upstream: UpstreamExchange, progress: ProgressFilter, events: WholeEvents
) -> bytes:
    """Return the next piece for the client, or nothing of an answer that is a refusal."""
    piece, answers = b"", await upstream.head() == OK
    while answers and not (piece or progress.done or upstream.finished):
        piece = events.feed(progress.feed(await upstream.payload()))
    return piece


def _begin(beat: Heartbeat, record: Record) -> None:
    record.first_byte()
    beat.begin()


async def _join(
    request: RelayRequest, upstream: UpstreamExchange, record: Record, most: int
) -> bytes:
    decoder, joiner, taken = SSEDecoder(), joiner_for(request), 0
    try:
        while not upstream.finished:
            piece = await upstream.payload()
            taken += len(piece)
            refuse_beyond(most, taken)
            for event in decoder.feed(piece):
                joiner.feed(event)
        whole = orjson.dumps(joiner.result())
    except (FramingError, orjson.JSONEncodeError) as error:
        raise RunnerLost(f"the engine's stream cannot be read: {error}") from error
    record.usage = usage_of_answer(whole)
    return whole


async def _tell(failure: LlamaRunnerError, dialect: Dialect, answer: ClientAnswer) -> None:
    if answer.started:
        await answer.finish(dialect.last_event(failure))
        return
    error = dialect.error(failure)
    await answer.whole(error.status, JSON, error.body, error.headers)
