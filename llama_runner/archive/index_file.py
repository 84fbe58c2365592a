"""Keeps the index in a file beside the saved slots."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from llama_runner.archive.entry import Entry
from llama_runner.archive.index import Index
from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Sample, Unknown, Verdict
from llama_runner.kept_file import KeptFile
from llama_runner.scheduling.conversation import Conversation

FILE_NAME = "index.json"
_FORMAT = 1
_KINDS: Mapping[str, type[Verdict]] = {
    "proven": Proven,
    "refuted": Refuted,
    "probing": Probing,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@frozen
class IndexFile:
    """One that cannot be read counts as empty."""

    path: Path
    _kept: KeptFile = field(init=False)

    @_kept.default
    def _kept_there(self) -> KeptFile:
        return KeptFile(self.path, _FORMAT, "the index of saved slots")

    def read(self, most: int) -> Index:
        """Return the index of at most so many bytes as it was written last."""
        return self._kept.read(partial(_index_of, most), Index(most))

    def text(self, index: Index) -> str:
        """Return what is to be written."""
        verdicts = {
            identity: {"kind": _NAMES[type(verdict)], **asdict(verdict)}
            for identity, verdict in index.verdicts
            if not isinstance(verdict, Unknown)  # the next start tries anew
        }
        entries = [asdict(entry) for entry in index.entries]
        return self._kept.text({"verdicts": verdicts, "entries": entries})

    def write(self, text: str) -> None:
        """Replace what is kept."""
        self._kept.write(text)


def _index_of(most: int, stored: Mapping[str, Any]) -> Index:
    index = Index(most)
    for identity, verdict in stored["verdicts"].items():
        index.judge(identity, _verdict_of(verdict))
    for entry in stored["entries"]:
        index.add(_entry_of(entry))
    return index


def _verdict_of(fields: dict[str, Any]) -> Verdict:
    kind = _KINDS[fields.pop("kind")]
    for name in ("reading", "saving", "restoring"):
        if name in fields:
            fields[name] = Pace(int(fields[name]["amount"]), float(fields[name]["seconds"]))
    if kind is Probing:
        fields["samples"] = tuple(map(_sample_of, fields["samples"]))
    return kind(**fields)


def _sample_of(fields: dict[str, Any]) -> Sample:
    prompt, answer = tuple(map(int, fields["prompt"])), tuple(map(int, fields["answer"]))
    return Sample(str(fields["file"]), prompt, answer, int(fields["cached"]))


def _entry_of(fields: dict[str, Any]) -> Entry:
    known = fields.pop("conversation")
    conversation = None
    if known is not None:
        marks, sizes = ([int(number) for number in known[name]] for name in ("marks", "sizes"))
        conversation = Conversation(marks, sizes, int(known["topic"]))
    return Entry(
        file=str(fields["file"]),
        identity=str(fields["identity"]),
        model=str(fields["model"]),
        slot=int(fields["slot"]),
        client=str(fields["client"]),
        tokens=int(fields["tokens"]),
        size=int(fields["size"]),
        used=float(fields["used"]),
        conversation=conversation,
    )
