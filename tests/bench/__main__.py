"""``main.py bench``: how fast the relay is, beside others, on this machine and now.

Everything is measured in one run and in turns, because figures of two runs do
not compare: the same connection without a relay (direct), with ours, with a
naive one, with the least that Trio costs (floor), and with each ``--peer``, on
a scripted upstream; then the whole program by itself, on a real engine, and
beside hostile clients.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from llama_runner.cli import parse
from tests.bench.effort import FULL, QUICK
from tests.bench.measuring import measure
from tests.bench.process import ROOT, allow_many_files
from tests.bench.report import as_fields, as_text
from tests.bench.tools.building import find_tools
from tests.bench.variants import OURS

FIGURES = ROOT / "docs" / "figures"


def main(arguments: Sequence[str]) -> int:
    """Measure, and tell what came of it; a bound that is missed is told, and no failure."""
    options = parse(["bench", *arguments])
    if options.record and options.quick:
        _say("bench: only a full run is recorded; leave --quick out")
        return 2
    allow_many_files()
    measured = measure(QUICK if options.quick else FULL, find_tools(), options, _say)
    fields, text = as_fields(measured), as_text(measured)
    print(json.dumps(fields) if options.json else text)
    if options.record:
        _record(fields, text)
    return int(OURS in measured.errors)


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
