"""The layout of the Hugging Face cache: ``models--user--repo/snapshots/REVISION/…``."""

from __future__ import annotations

import os
from pathlib import Path

from llama_runner.catalog.found_file import PassedOver

_PREFIX = "models--"


def snapshots(cache: Path) -> tuple[list[tuple[Path, tuple[str, ...]]], list[PassedOver]]:
    """Return the snapshots of every repository with ``(user, repository)``.

    Of one repository the revision that is called main comes first, then the newest.
    """
    found: list[tuple[Path, tuple[str, ...]]] = []
    passed_over: list[PassedOver] = []
    for repository in _folders(cache, passed_over):
        if not repository.name.startswith(_PREFIX):
            continue
        names = tuple(repository.name.removeprefix(_PREFIX).split("--", 1))
        main = _main(repository)
        if not (repository / "snapshots").is_dir():
            continue  # nothing was ever fetched whole
        revisions = sorted(
            _folders(repository / "snapshots", passed_over),
            key=lambda path: (path.name == main, _changed(path)),
            reverse=True,
        )
        found += [(revision, names) for revision in revisions]
    return found, passed_over


def _folders(folder: Path, passed_over: list[PassedOver]) -> list[Path]:
    try:
        with os.scandir(folder) as listing:
            return sorted(Path(entry.path) for entry in listing if entry.is_dir())
    except OSError as error:
        passed_over.append(PassedOver(folder, f"it cannot be read: {error.strerror or error}"))
        return []


def _main(repository: Path) -> str:
    try:
        reference = repository / "refs" / "main"
        return reference.read_bytes()[:100].decode().strip() if reference.is_file() else ""
    except (OSError, ValueError):
        return ""


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
