"""Puts a fetched model where models are: a folder of its own, with a manifest beside its files."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from llama_runner.platforms.replacing import replace_file
from llama_runner.store.remote_model import PulledFile, PulledModel

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]|\.$")
# The names of devices on Windows, with and without anything behind a dot.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@frozen
class Shelf:
    """The folder of models; ``put`` waits for the disk and is to be called in a thread."""

    folder: Path

    def put(self, model: PulledModel) -> Path:
        """Give a model its folder; one that had this name before is replaced.

        The files are linked to where they were fetched to, and these are removed last, so that
        whatever ends us, what was fetched is not lost.

        Raises:
            OSError: the disk is full, or worse.

        """
        home = self.folder / folder_of(model.name)
        scratch = home.with_name(f".{home.name}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for file in model.files:
            _link(file.path, scratch / _safe(file.name))
        _write(scratch / MANIFEST, json.dumps(_manifest(model), indent=2))
        if home.exists():
            _replace(scratch, home)
        else:
            os.rename(scratch, home)
        for file in model.files:
            with suppress(OSError):
                file.path.unlink()
        return home

    def kept(self) -> Mapping[str, Path]:
        """Return the models that were put here, by name, each with its first file."""
        kept: dict[str, Path] = {}
        for path in sorted(self.folder.glob(f"*/{MANIFEST}")):
            try:
                told = json.loads(path.read_bytes())
                first, *_ = (each for each in told["files"] if each["role"] == "model")
                if told["format"] == 1:
                    kept[str(told["name"])] = path.parent / _safe(str(first["name"]))
            except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
                logger.warning("%s is ignored: %r", path, error)
        return kept


def folder_of(name: str) -> str:
    """Return the name of a model's folder, the same for no two names on any system."""
    path, _, tag = name.rpartition(":")
    return f"{'@'.join(_safe(part) for part in [*path.lower().split('/'), tag.lower()])}"


def _safe(name: str) -> str:
    """Return what a file of this name is called on any system; no two names share one.

    Every byte that might mean something to one of them is written as in a URL (RFC 3986, 2.1).
    """
    safe = _UNSAFE.sub(lambda byte: b"%%%02X" % byte.group()[0], name.encode()).decode()
    return f"%{ord(safe[0]):02X}{safe[1:]}" if _RESERVED.match(safe) else safe


def _manifest(model: PulledModel) -> dict[str, object]:
    texts = {role.value: list(each) for role, each in model.texts.items()}
    return {"format": 1, "name": model.name, "files": [*map(_entry, model.files)], "texts": texts}


def _entry(file: PulledFile) -> dict[str, object]:
    return {
        "name": _safe(file.name),
        "role": file.role.value,
        "size": file.size,
        "sha256": file.sha256,
    }


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # this disk knows no links
        shutil.copyfile(source, target)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _replace(scratch: Path, home: Path) -> None:
    """Put the files in place one by one, as a folder cannot be replaced; the manifest comes last.

    A file that an engine has open cannot be replaced on Windows, and need not be if it is the same.
    """
    new = {path.name for path in scratch.iterdir()}
    for path in sorted(scratch.iterdir(), key=lambda path: path.name == MANIFEST):
        replace_file(path, home / path.name)
    for path in home.iterdir():
        if path.name not in new and path.is_file():
            path.unlink()
    scratch.rmdir()
