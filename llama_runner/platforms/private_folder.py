"""Folders that only their owner can look into."""

from __future__ import annotations

from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder for its owner only, or one that is there.

    On Windows it has the permissions of the folder that it lies in; that of a user's own
    files lets nobody else in.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
