"""Finds the files named .gguf in folders; opens none of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import define, field

from llama_runner.catalog.found_file import FoundFile, PassedOver, absolute, why_unreadable
from llama_runner.catalog.origin import MODELS

Place: TypeAlias = tuple[Path, tuple[str, ...]]
"""A path, and the names of the folders that lead to it from the scanned one."""


@define(eq=False)
class FolderWalk:
    """Collects the files below folders, each once however many links lead to it.

    ``checkpoint`` is called for every folder and may raise to end the walk; what is
    ``known`` already is not looked into.
    """

    checkpoint: Callable[[], None]
    known: frozenset[Path] = frozenset()
    files: list[FoundFile] = field(factory=list, init=False)
    passed_over: list[PassedOver] = field(factory=list, init=False)
    _store: str = field(default=MODELS, init=False)
    _seen: set[tuple[int, int] | str] = field(factory=set, init=False)

    def walk(self, folders: Sequence[Path], store: str = MODELS) -> None:
        """Collect everything below ``folders``, which belong to ``store``."""
        self.walk_places([(absolute(folder), ()) for folder in folders], store)

    def walk_places(self, places: Sequence[Place], store: str) -> None:
        """Collect everything below folders that have names in front of them already."""
        self._store = store
        waiting = list(reversed(places))
        links: list[Place] = []
        while waiting:
            self.checkpoint()
            folder, names = waiting.pop()
            waiting += reversed(self._visit(folder, names, links))
        # Links come last, so that a file is known by where it really lies.
        for path, names in links:
            self._add(path, names)

    def walk_beside(self, path: Path) -> Path:
        """Collect one file, whatever its name, and the .gguf files of its folder.

        Returns the path under which the file was collected.
        """
        path = absolute(path)
        self._add(path, ())
        links: list[Place] = []
        self._visit(path.parent, (), links)
        for place, names in links:
            self._add(place, names)
        return path

    def _visit(self, folder: Path, names: tuple[str, ...], links: list[Place]) -> list[Place]:
        try:
            if self._is_known(folder, folder.stat()):
                return []
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self.passed_over.append(PassedOver(folder, why_unreadable(error)))
            return []
        folders: list[Place] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if Path(entry.path) in self.known:
                    continue
                folders.append((Path(entry.path), (*names, entry.name)))
            elif entry.name.lower().endswith(".gguf"):
                if entry.is_symlink():
                    links.append((Path(entry.path), names))
                else:
                    self._add(Path(entry.path), names)
        return folders

    def _add(self, path: Path, names: tuple[str, ...]) -> None:
        try:
            status = path.stat()
        except OSError as error:
            self.passed_over.append(PassedOver(path, why_unreadable(error)))
            return
        if not stat.S_ISREG(status.st_mode):
            # Opening a named pipe would wait for its writer for ever.
            self.passed_over.append(PassedOver(path, "it is not a regular file"))
        elif not self._is_known(path, status):
            self.files.append(
                FoundFile(path, names, status.st_size, status.st_mtime_ns, self._store)
            )

    def _is_known(self, path: Path, status: os.stat_result) -> bool:
        # Some file systems give no file numbers; there the real path must do.
        known = (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
        seen = known in self._seen
        self._seen.add(known)
        return seen
