"""Measures one section after the other."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

from attrs import evolve

from llama_runner.config.options import Options
from llama_runner.errors import ConfigError
from tests.bench.effort import Effort
from tests.bench.engine.bare import find_engine
from tests.bench.engine.figures import RealEngines
from tests.bench.hostile.figures import Hostile
from tests.bench.machine import Watch, machine
from tests.bench.process import Served, owner_of, served
from tests.bench.program.figures import Programs
from tests.bench.program.whole import MODEL
from tests.bench.relay.rounds import Rounds
from tests.bench.report import Measured
from tests.bench.section import DIRECT, Section
from tests.bench.swaps.figures import Swaps
from tests.bench.tools.building import Tools
from tests.bench.translation.figures import Translation
from tests.bench.variants import RELAYS, relay

ANY_PORT, PORT_FOR_PEERS = 0, 18_997

Say = Callable[[str], None]


def measure(effort: Effort, tools: Tools, options: Options, say: Say) -> Measured:
    """Measure everything once."""
    about, watch = machine(), Watch()
    language = "C" if tools.native else "Python, for want of a compiler: slower than what it loads"
    about["load"] = f"scripted upstream and client in {language}"
    port = PORT_FOR_PEERS if options.peer else ANY_PORT
    with served((*tools.upstream, str(port)), MODEL) as upstream:
        rounds = _relays(effort, tools, upstream, options, say)
        sections = [
            rounds.section(),
            Translation(tools, effort.translation, say).measure(),
            Programs(tools, upstream, effort.program, say).measure(),
        ]
        if effort.engine is not None:
            sections += _real_engine(effort, about, say)
        if effort.hostile is None:
            about["left out"] = "hostile clients and swaps, which only a full run measures"
        else:
            sections.append(Hostile(tools, upstream, effort.hostile, say).measure())
    about["took"] = watch.told()
    return Measured(sections, +rounds.errors, about)


def _relays(effort: Effort, tools: Tools, upstream: Served, options: Options, say: Say) -> Rounds:
    with ExitStack() as stack:
        variants = {DIRECT: evolve(upstream, process=None)}
        for name in RELAYS:
            variants[name] = stack.enter_context(relay(name, tools, upstream))
        variants |= {name: evolve(peer_at(url), upstream=upstream) for name, url in options.peer}
        rounds = Rounds(tools.load, variants, effort.relay)
        for number in range(effort.relay.repetitions):
            say(f"relays, round {number + 1} of {effort.relay.repetitions}")
            rounds.measure()
        return rounds


def _real_engine(effort: Effort, about: dict[str, str], say: Say) -> Iterator[Section]:
    """Measure with a real engine, where there is one; else say why not."""
    assert effort.engine is not None
    try:
        real = find_engine()
        yield RealEngines(real, effort.engine, say).measure()
        if effort.swaps is not None:
            yield Swaps(real, effort.swaps, say).measure()
    except (ConfigError, RuntimeError) as error:
        about["left out"] = f"a real engine: {error}"


def peer_at(url: str) -> Served:
    """Return what serves at the base address of another program."""
    parts = urlsplit(url)
    assert parts.hostname is not None  # as the command line has made sure
    host, port = socket.gethostbyname(parts.hostname), parts.port or 80
    path = parts.path.rstrip("/").removesuffix("/v1") + "/v1/chat/completions"
    return Served(host, port, path, MODEL, owner_of(port))
