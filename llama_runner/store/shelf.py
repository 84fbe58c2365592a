"""Puts a model where models are: a folder of its own, with a manifest beside its files."""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from llama_runner.catalog.bad_manifest import BadManifest
from llama_runner.catalog.kept_manifest import (
    FILE_NAME,
    KeptFile,
    KeptManifest,
    manifests_in,
    read_kept_manifest,
)
from llama_runner.platforms.replacing import replace_file
from llama_runner.store.remote_model import PulledFile, PulledModel

BLOBS = ".blobs"
"""The folder, in the one of models, in which files lie by their digests."""
UPLOAD = ".upload"
"""How the names end of what is being sent to us."""
_KEPT_FOR = 30 * 86_400
"""Seconds for which a download that nobody goes on with is kept."""
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]|\.$")
# The names of devices on Windows, with and without anything behind a dot.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@frozen
class Shelf:
    """The folder of models; all that is done here waits for the disk, in a thread."""

    folder: Path

    @property
    def blobs(self) -> Path:
        """Where files lie by their digests."""
        return self.folder / BLOBS

    def put(self, model: PulledModel) -> Path:
        """Give a model its folder; one that had this name before is replaced.

        The files are linked to where they are, and those that were fetched are removed there
        last, so that whatever ends us, what was fetched is not lost.

        Raises:
            OSError: the disk is full, or worse.

        """
        home = self.folder / folder_of(model.name)
        scratch = home.with_name(f".{home.name}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for file in model.files:
            _link(file.path, scratch / _safe(file.name))
        _write(scratch / FILE_NAME, _manifest(model).written())
        if home.exists():
            _replace(scratch, home)
        else:
            os.rename(scratch, home)
        for file in model.files:
            if file.path.parent == self.blobs:
                with suppress(OSError):
                    file.path.unlink()
        return home

    def remove(self, home: Path) -> None:
        """Remove a model's folder, if it is one of ours.

        Raises:
            OSError: a file of it is in use, or worse; then all of it stays.

        """
        if home.parent != self.folder or not (home / FILE_NAME).is_file():
            raise FileNotFoundError(f"{home} is no folder of a model that was put here")
        # Nobody who looks meanwhile sees half of it; Windows refuses while a file is in use.
        gone = home.with_name(f".{home.name}.gone")
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(home, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what an end in the midst of a change has left, and downloads long given up."""
        for folder in (*self.folder.glob(".*.gone"), *self.folder.glob(".*.part")):
            shutil.rmtree(folder, ignore_errors=True)
        oldest = time.time() - _KEPT_FOR
        for path in (*self.blobs.glob(f"*{UPLOAD}"), *self.blobs.glob("*.part*")):
            with suppress(OSError):
                if path.suffix == UPLOAD or path.stat().st_mtime < oldest:
                    path.unlink()

    def waiting(self, sha256: str) -> Path:
        """Return where a file with this content lies, or would lie, until it is used."""
        return self.blobs / f"sha256-{sha256}"

    def blob(self, sha256: str) -> Path | None:
        """Return a file with this content: one that waits to be used, or one of a model."""
        waiting = self.waiting(sha256)
        if waiting.is_file():
            return waiting
        for path in manifests_in(self.folder):
            with suppress(OSError, BadManifest):
                for file in read_kept_manifest(path)[0].files:
                    if file.sha256 == sha256 and (path.parent / file.name).is_file():
                        return path.parent / file.name
        return None

    def recover(self, sha256: str, size: int) -> bool:
        """Have a file that a model has wait to be used again; return whether it does."""
        found = self.blob(sha256)
        if found is None or found.stat().st_size != size:
            return False
        if found.parent != self.blobs:
            self.blobs.mkdir(parents=True, exist_ok=True)
            _link(found, self.waiting(sha256))
        return True


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


def _manifest(model: PulledModel) -> KeptManifest:
    texts = {role.value: each for role, each in model.texts.items()}
    return KeptManifest(model.name, tuple(map(_entry, model.files)), texts)


def _entry(file: PulledFile) -> KeptFile:
    return KeptFile(_safe(file.name), file.role.value, file.size, file.sha256)


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

    A file that an engine has open cannot be replaced on Windows, and is not if it is the same.
    """
    new = {path.name for path in scratch.iterdir()}
    for path in sorted(scratch.iterdir(), key=lambda path: path.name == FILE_NAME):
        there = home / path.name
        if not (there.is_file() and there.samefile(path)):
            replace_file(path, there)
    for path in home.iterdir():
        if path.name not in new and path.is_file():
            path.unlink()
    shutil.rmtree(scratch)
