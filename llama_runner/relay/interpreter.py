"""Carries the requests of routes whose requests and answers are not the engine's."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from attrs import define, field, frozen

from llama_runner.config.app import RelayConfig
from llama_runner.errors import EngineRefused, RunnerLost
from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.dialect import Dialect
from llama_runner.relay.heartbeat import Heartbeat
from llama_runner.relay.held_context import tell_context
from llama_runner.relay.keeper import Keeper
from llama_runner.relay.lender import Lease, Lender
from llama_runner.relay.lent_exchange import JSON, OK, exchange, refuse, take
from llama_runner.relay.pulse import Pulse
from llama_runner.relay.reading import READ_AT_ONCE, parted_in_turns
from llama_runner.relay.record import Record
from llama_runner.relay.relay_request import NOTHING_ASIDE, RelayRequest
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Asked, Reply, Tongue, Wish
from llama_runner.relay.upstream_exchange import UpstreamExchange, refuse_beyond
from llama_runner.wire.body import Body
from llama_runner.wire.framing import FramingError


@frozen
class Interpreter:
    """Serves the routes that have a tongue."""

    _resolve: Callable[[str], Target]
    _lender: Lender
    _settings: RelayConfig
    _pulse: Pulse
    _keeper: Keeper

    async def carry(
        self, tongue: Tongue, dialect: Dialect, body: Body, answer: ClientAnswer, record: Record
    ) -> None:
        """Answer one request.

        Raises:
            LlamaRunnerError: why it cannot be answered.

        """
        asked = await self._read(tongue, body)
        target = self._resolve(asked.model)
        record.model = target.model
        if asked.wish is Wish.UNLOAD:
            self._keeper.let_go(target.spec)
            await answer.whole(OK, JSON, asked.without_work())
            return
        request = asked.request_to(target)
        if asked.wish is Wish.LOAD and self._keeper.stays(target.spec, request):
            await answer.whole(OK, JSON, asked.without_work())
            return
        record.streamed = request.streams
        due = record.began + max(self._pulse.after, dialect.stream.quiet)
        beat = Heartbeat(answer, dialect, due)
        if request.streams:
            self._pulse.add(beat)
        try:
            with self._lender.queue(target.spec, answer.client_name, request) as place:
                beat.about(lambda: place.waiting)
                tell_context(request, place, answer)
                lease = place.lease
                if lease is None:
                    lease = await beat.until(place.granted)
                    tell_context(request, place, answer)
                take(lease, request, record)
                if asked.wish is Wish.LOAD:
                    lease.wants_no_token()
                    record.first_byte()
                    await answer.whole(OK, JSON, asked.without_work())
                    return
                most = inf if request.streams else self._settings.max_answer_bytes
                await _Talk(asked, target, lease, answer, beat, record, most).hold(request)
        finally:
            if request.streams:
                self._pulse.remove(beat)

    async def _read(self, tongue: Tongue, body: Body) -> Asked:
        most = self._settings.max_json_bytes
        if len(body) <= min(READ_AT_ONCE, most):
            return tongue.read(body, NOTHING_ASIDE)
        parted = await parted_in_turns(body, most)
        return tongue.read(parted.text, parted.aside)


@define(eq=False)
class _Talk:
    """One request that has its lease; the answer to one that wants no stream is held whole."""

    _asked: Asked
    _target: Target
    _lease: Lease
    _answer: ClientAnswer
    _beat: Heartbeat
    _record: Record
    _most: float
    _told: bool = field(default=False, init=False)

    async def hold(self, request: RelayRequest) -> None:
        """Ask the engine, again with less if it was too much, and tell what it answers."""
        wanted: RelayRequest | None = request
        while wanted is not None:
            request, wanted = wanted, None
            try:
                await self._ask(request)
            except EngineRefused as error:
                wanted = None if self._told else self._asked.shortened(request, error)
                if wanted is None:
                    raise

    async def _ask(self, request: RelayRequest) -> None:
        reply = self._asked.reply(request)
        sent = exchange(self._lease, request, self._target, self._answer, self._record)
        async with sent as upstream:
            try:
                await self._hear(upstream, reply)
            except FramingError as error:
                raise RunnerLost(f"the engine's stream cannot be read: {error}") from error
            last = reply.end(self._record.durations())
        self._record.usage = reply.usage
        self._record.first_byte()
        if request.streams:
            self._beat.begin()
            await self._answer.finish(last)
        else:
            await self._answer.whole(OK, JSON, last)

    async def _hear(self, upstream: UpstreamExchange, reply: Reply) -> None:
        self._beat.about(lambda: reply.waiting)
        if await self._beat.until(upstream.head) != OK:
            await refuse(upstream)
        taken = 0
        while not upstream.finished:
            next_piece = upstream.payload
            piece = await (next_piece() if self._told else self._beat.until(next_piece))
            taken += len(piece)
            if taken > self._most:
                refuse_beyond(int(self._most), taken)
            if told := reply.feed(piece):
                self._tell_first()
                await self._answer.write(told)

    def _tell_first(self) -> None:
        if not self._told:
            self._told = True
            self._beat.end()
            self._record.first_byte()
            self._beat.begin()
