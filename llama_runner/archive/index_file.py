"""Keeps the index in a file beside the saved slots."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from llama_runner.archive.entry import Entry
from llama_runner.archive.index import Index
from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Sample, Unknown, Verdict
from llama_runner.platforms.private_file import write_private
from llama_runner.scheduling.conversation import Conversation

logger = logging.getLogger(__name__)

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
    """It is never worth an error: one that cannot be read counts as empty, with a warning."""

    path: Path

    def read(self, most: int) -> Index:
        """Return the index of at most so many bytes as it was written last."""
        index = Index(most)
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["format"] == _FORMAT:
                for identity, verdict in stored["verdicts"].items():
                    index.judge(identity, _verdict_of(verdict))
                for entry in stored["entries"]:
                    index.add(_entry_of(entry))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            logger.warning("the index of saved slots in %s is ignored: %r", self.path, error)
            return Index(most)
        return index

    def text(self, index: Index) -> str:
        """Return what is to be written."""
        verdicts = {
            identity: {"kind": _NAMES[type(verdict)], **asdict(verdict)}
            for identity, verdict in index.verdicts
            if not isinstance(verdict, Unknown)  # the next start tries anew
        }
        entries = [asdict(entry) for entry in index.entries]
        return json.dumps({"format": _FORMAT, "verdicts": verdicts, "entries": entries})

    def write(self, text: str) -> None:
        """Replace what is kept."""
        try:
            write_private(self.path, text)
        except OSError as error:
            logger.warning("the index of saved slots cannot be kept: %s", error)


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
