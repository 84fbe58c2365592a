from __future__ import annotations

import hashlib

from tests.bench.process import ROOT

FROZEN = "c568674d9b11055eaaa102ab91344f464616b2e57f0cdff1cfb008c98625ee76"


def test_the_yardstick_has_not_changed() -> None:
    text = (ROOT / "tests" / "bench" / "naive.py").read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest() == FROZEN
