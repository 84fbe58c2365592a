"""Where our own files live on this operating system."""

from __future__ import annotations

from pathlib import Path

import platformdirs

APPLICATION = "llamarunner-pro"


def state_folder(override: Path | None = None) -> Path:
    """Return the folder for what we learn and fetch; it may not exist yet.

    Outside the checkout, so that a clone stays clean and an update loses
    nothing.
    """
    if override is not None:
        return override.expanduser().absolute()
    return platformdirs.user_state_path(APPLICATION, appauthor=False)
