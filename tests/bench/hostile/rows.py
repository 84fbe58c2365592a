"""What is told of each offence."""

from __future__ import annotations

from tests.bench.bound import Bound
from tests.bench.hostile.offences import NOBODY, OFFENCES
from tests.bench.section import Row

ALONE, BESIDE = "alone", "beside"
_MOVES = (Bound(1.2, ALONE),)
_ALL = (Bound(100, at_least=True),)

ROWS: tuple[Row, ...] = (
    Row("nobody: between two chunks p99", "µs", "gap", NOBODY.name),
    *(
        Row(f"{o.name}: between two chunks p99", "µs", "gap", o.name, bounds=_MOVES)
        for o in OFFENCES
    ),
    Row("nobody: added per chunk p99", "µs", "p99", NOBODY.name),
    *(Row(f"{o.name}: added per chunk p99", "µs", "p99", o.name, bounds=_MOVES) for o in OFFENCES),
    *(
        Row(f"{o.name}: RSS growth", "MB", "growth", o.name, bounds=(Bound(o.megabytes),))
        for o in OFFENCES
    ),
    *(
        Row(f"{o.name}: answered as documented", "%", "answered", o.name, bounds=_ALL)
        for o in OFFENCES
    ),
)
