"""Tries whether an engine gives back what it saves: two slots, a restart between.

A save can succeed with nothing in it, a restore can be of no use to the next request, and
what comes back could be wrong. So two prompts are read and saved, and after the next load
each is restored into the other one's slot: the engine must find it there, and must go on
with it as it did before.
"""

from __future__ import annotations

from collections.abc import Callable

from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Sample
from llama_runner.runner.slot_files import SlotFiles

SLOTS = 2
LENGTH = 32
"""Tokens of a prompt: enough to tell, soon read even by a slow machine."""
ANSWER = 4
FOUND = 0.95
"""Which share of the tokens must be found again."""
# Every vocabulary has these; what they mean does not matter.
_FIRST_TOKEN, _TOKENS = 20, 64


def _prompt(slot: int) -> tuple[int, ...]:
    return tuple(_FIRST_TOKEN + (17 * place + 29 * slot) % _TOKENS for place in range(LENGTH))


async def begin_probe(
    files: SlotFiles, slots: int, new_file: Callable[[], str]
) -> Probing | Refuted:
    """Save what is to be restored after the next load.

    Raises:
        RunnerLost: the engine does not do it.
    """
    samples, reading, saving = [], Pace(0, 0.0), Pace(0, 0.0)
    for slot in range(min(SLOTS, slots)):
        prompt, file = _prompt(slot), new_file()
        read = await files.read(slot, prompt, 1)
        saved = await files.save(slot, file)
        if not saved.holds_prompt:
            return Refuted("its engine saves slots with nothing in them")
        goes_on = (*prompt, *read.answer, *prompt[:ANSWER])
        expected = await files.read(slot, goes_on, ANSWER)
        if not expected.cached:
            return Refuted("its engine does not find a prompt again that it has just read")
        samples.append(Sample(file, goes_on, expected.answer, expected.cached))
        reading, saving = Pace(read.read, read.seconds), Pace(saved.size, saved.seconds)
    return Probing(tuple(samples), reading, saving)


async def end_probe(files: SlotFiles, probing: Probing) -> Proven | Refuted:
    """Restore what was saved before the last stop, and tell whether it is as it was.

    Raises:
        RunnerLost: the engine does not do it.
    """
    restoring = Pace(0, 0.0)
    last = len(probing.samples) - 1
    for number, sample in enumerate(probing.samples):
        slot = last - number
        restored = await files.restore(slot, sample.file)
        again = await files.read(slot, sample.prompt, len(sample.answer))
        if again.cached < FOUND * sample.cached:
            found = f"{again.cached} of {sample.cached} tokens"
            return Refuted(f"its engine finds {found} again in a slot that was restored")
        if again.answer != sample.answer:
            return Refuted("its engine goes on otherwise with a slot that was restored")
        restoring = Pace(restored.size, restored.seconds)
    return Proven(probing.reading, probing.saving, restoring)
