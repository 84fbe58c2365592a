"""``main.py bench``: how fast the relay is, beside others, on this machine and now.

Everything is measured in one run and in turns, on a scripted upstream, because
figures of two runs do not compare: the same connection without a relay
(direct), with ours, with a naive one, with the least that Trio costs (floor),
and with each ``--peer``.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

import trio
from attrs import evolve, field, frozen

from llama_runner.cli import parse
from llama_runner.config.options import Options
from tests.bench.footprint import Amounts, footprint
from tests.bench.loading import Shape
from tests.bench.ours import MODEL
from tests.bench.process import ROOT, Served, owner_of, python_module, served
from tests.bench.report import Measured, as_fields, as_text
from tests.bench.rounds import DIRECT, Rounds
from tests.bench.rows import SHAPES
from tests.bench.tools import Tools, find_tools

RELAYS = ("ours", "naive", "floor")
ANY_PORT, PORT_FOR_PEERS = 0, 18_997
FIGURES = ROOT / "docs" / "figures"


@frozen(kw_only=True)
class Effort:
    """How long it is measured; times in seconds."""

    repetitions: int
    warm: float
    measured: float
    amounts: Amounts = Amounts()
    memory_of: Sequence[str] = RELAYS
    shapes: Mapping[str, Shape] = field(factory=lambda: SHAPES)


FULL = Effort(repetitions=5, warm=0.3, measured=0.7)
QUICK = Effort(repetitions=2, warm=0.15, measured=0.2, memory_of=("ours",))


def main(arguments: Sequence[str]) -> int:
    """Measure, and tell what came of it."""
    options = parse(["bench", *arguments])
    if options.record and options.quick:
        _say("bench: only a full run is recorded; leave --quick out")
        return 2
    measured = measure(QUICK if options.quick else FULL, find_tools(), options)
    fields, text = as_fields(measured), as_text(measured)
    print(json.dumps(fields) if options.json else text)
    if options.record:
        _record(fields, text)
    return int("ours" in measured.rounds.errors)


def measure(effort: Effort, tools: Tools, options: Options) -> Measured:
    """Measure everything once."""
    about = _about(tools, effort)
    port = PORT_FOR_PEERS if options.peer else ANY_PORT
    with ExitStack() as stack:
        upstream = stack.enter_context(served((*tools.upstream, str(port)), MODEL))
        variants = {DIRECT: evolve(upstream, process=None)}
        for name in RELAYS:
            relay = served(python_module(name, str(upstream.port)), MODEL)
            variants[name] = stack.enter_context(relay)
        variants |= {name: peer_at(url) for name, url in options.peer}
        rounds = Rounds(tools.load, variants, effort.warm, effort.measured, effort.shapes)
        for number in range(effort.repetitions):
            _say(f"round {number + 1} of {effort.repetitions}")
            rounds.measure()
        footprints = {}
        for name in effort.memory_of:
            _say(f"memory of {name}")
            footprints[name] = footprint(name, tools.load, upstream, effort.amounts)
    return Measured(rounds, footprints, about)


def peer_at(url: str) -> Served:
    """Return what serves at the base address of another program."""
    parts = urlsplit(url)
    assert parts.hostname is not None  # as the command line has made sure
    host, port = socket.gethostbyname(parts.hostname), parts.port or 80
    path = parts.path.rstrip("/").removesuffix("/v1") + "/v1/chat/completions"
    return Served(host, port, path, MODEL, owner_of(port))


def _about(tools: Tools, effort: Effort) -> dict[str, str]:
    language = "C" if tools.native else "Python, for want of a compiler: slower than what it loads"
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": f"{platform.python_version()}, trio {trio.__version__}",
        "load": f"scripted upstream and client in {language}",
        "rounds": f"{effort.repetitions} of {effort.measured:g} s each, medians",
    }


def _record(fields: object, text: str) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    page = FIGURES / f"relay-{datetime.now(UTC):%Y-%m-%d}.md"
    page.write_text(f"# The relay's figures\n\n{text}\n", encoding="utf-8", newline="\n")
    data = json.dumps(fields, indent=1)
    page.with_suffix(".json").write_text(data + "\n", encoding="utf-8", newline="\n")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
