"""What the slot archive holds: entries and verdicts, by identity."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from llama_runner.archive.entry import Entry, beyond
from llama_runner.archive.verdict import Probing, Refuted, Unknown, Verdict

MOST_VERDICTS = 500
"""Identities that are remembered; the oldest go first."""


@define(eq=False)
class Index:
    """Says which files there are; each change returns the names of those that go."""

    most: int
    _entries: dict[tuple[str, str, int], Entry] = field(factory=dict, init=False)
    _verdicts: dict[str, Verdict] = field(factory=dict, init=False)

    @property
    def entries(self) -> Iterable[Entry]:
        """Every saved slot."""
        return self._entries.values()

    @property
    def verdicts(self) -> Iterable[tuple[str, Verdict]]:
        """What is known of each identity, the latest last."""
        return self._verdicts.items()

    @property
    def files(self) -> set[str]:
        """The names of all files that are of use."""
        samples = (
            sample.file
            for verdict in self._verdicts.values()
            if isinstance(verdict, Probing)
            for sample in verdict.samples
        )
        return {*(entry.file for entry in self.entries), *samples}

    @property
    def size(self) -> int:
        """How many bytes the saved slots have."""
        return sum(entry.size for entry in self.entries)

    def of(self, identity: str, model: str) -> list[Entry]:
        """Return what is saved of a model, by slot."""
        found = [
            entry for entry in self.entries if (entry.identity, entry.model) == (identity, model)
        ]
        return sorted(found, key=lambda entry: entry.slot)

    def verdict(self, identity: str) -> Verdict:
        """Return what is known of an identity."""
        return self._verdicts.get(identity, Unknown())

    def judge(self, identity: str, verdict: Verdict) -> set[str]:
        """Note what is known of an identity now."""
        before = self.files
        self._verdicts.pop(identity, None)
        self._verdicts[identity] = verdict
        while len(self._verdicts) > MOST_VERDICTS:
            del self._verdicts[next(iter(self._verdicts))]
        if isinstance(verdict, Refuted):
            for entry in [one for one in self.entries if one.identity == identity]:
                del self._entries[entry.place]
        return before - self.files

    def add(self, entry: Entry) -> set[str]:
        """Note a saved slot, in place of what was saved of that slot before."""
        before = {*self.files, entry.file}
        self._entries[entry.place] = entry
        for old in beyond(self.entries, self.most):
            del self._entries[old.place]
        return before - self.files

    def drop(self, entry: Entry) -> set[str]:
        """Forget a saved slot."""
        if self._entries.get(entry.place) is entry:
            del self._entries[entry.place]
        return {entry.file} - self.files

    def keep(self, files: set[str]) -> None:
        """Forget whatever has no file any more, or is too much by now."""
        for entry in list(self.entries):
            if entry.file not in files:
                del self._entries[entry.place]
        for entry in beyond(self.entries, self.most):
            del self._entries[entry.place]
        for identity, verdict in list(self._verdicts.items()):
            missing = isinstance(verdict, Probing) and any(
                sample.file not in files for sample in verdict.samples
            )
            if missing:
                del self._verdicts[identity]
