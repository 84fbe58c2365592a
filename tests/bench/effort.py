"""How long everything is measured; times in seconds."""

from __future__ import annotations

from attrs import frozen

from tests.bench.engine.figures import EngineEffort
from tests.bench.hostile.figures import HostileEffort
from tests.bench.program.figures import ProgramEffort
from tests.bench.relay.rounds import RelayEffort
from tests.bench.swaps.figures import SwapsEffort
from tests.bench.translation.figures import TranslationEffort


@frozen(kw_only=True)
class Effort:
    """One for each section; ``None`` leaves it out."""

    relay: RelayEffort
    program: ProgramEffort
    engine: EngineEffort | None
    hostile: HostileEffort | None
    translation: TranslationEffort
    swaps: SwapsEffort | None


FULL = Effort(
    relay=RelayEffort(repetitions=5, warm=0.3, measured=0.6),
    program=ProgramEffort(),
    engine=EngineEffort(repetitions=3, answers=10, colds=10, cancels=8, patience=30.0),
    hostile=HostileEffort(repetitions=4, warm=0.3, measured=3.0),
    translation=TranslationEffort(repetitions=5, warm=0.3, measured=0.6),
    swaps=SwapsEffort(requests=200, seeds=(1, 2)),
)
QUICK = Effort(
    relay=RelayEffort(repetitions=1, warm=0.1, measured=0.15),
    program=ProgramEffort(streams=500, connections=500, cancels=5, loads=20, stops=1, beside=()),
    engine=EngineEffort(repetitions=1, answers=3, colds=1, cancels=0, patience=3.0),
    hostile=None,
    translation=TranslationEffort(repetitions=1, warm=0.1, measured=0.15),
    swaps=None,
)
