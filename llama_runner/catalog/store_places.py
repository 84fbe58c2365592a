"""Where other programs keep their models on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from llama_runner.catalog.found_file import absolute
from llama_runner.catalog.origin import HUGGING_FACE, LM_STUDIO, MODELS, OLLAMA

_LARGEST_SETTINGS = 1_048_576
# Where Ollama's own installer for Linux has its service keep them.
_SERVICE = Path("/usr/share/ollama/.ollama/models")


@frozen
class StorePlace:
    """One folder that a store of this kind lies in."""

    store: str
    folder: Path


def other_places(
    wanted: Sequence[str], environ: Mapping[str, str], home: Path
) -> tuple[StorePlace, ...]:
    """Return the folders of the wanted stores that are on this machine, each once."""
    folders = {OLLAMA: _ollama, LM_STUDIO: _lm_studio, HUGGING_FACE: _hugging_face}
    found = [
        StorePlace(store, absolute(folder))
        for store in wanted
        for folder in folders[store](environ, home)
    ]
    return tuple(dict.fromkeys(place for place in found if _is_folder(place.folder)))


def place_of(folder: Path) -> StorePlace:
    """Return a folder that the configuration names, as the store that its layout tells."""
    try:
        if (folder / "manifests").is_dir() and (folder / "blobs").is_dir():
            return StorePlace(OLLAMA, folder)
        if any(folder.glob("models--*--*")):
            return StorePlace(HUGGING_FACE, folder)
    except OSError:
        pass  # the walk tells why it cannot be read
    return StorePlace(MODELS, folder)


def _ollama(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    # Ollama trims values of blanks and quotes.
    if named := environ.get("OLLAMA_MODELS", "").strip(" \t\"'"):
        yield Path(named)
        return
    yield home / ".ollama" / "models"
    if sys.platform == "linux":
        yield _SERVICE


def _lm_studio(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    roots = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    if pointed := _read(home / ".lmstudio-home-pointer").strip():
        roots.insert(0, Path(pointed))
    for root in roots:
        if named := _downloads_folder(_read(root / "settings.json")):
            yield Path(named)
        yield root / "models"


def _downloads_folder(text: str) -> str | None:
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        return None
    named = settings.get("downloadsFolder") if isinstance(settings, dict) else None
    return named if isinstance(named, str) and named else None


def _hugging_face(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    for name, below in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub")):
        if named := environ.get(name, "").strip():
            yield Path(named).expanduser() / below
            return
    cache = Path(environ.get("XDG_CACHE_HOME", "") or home / ".cache")
    yield cache / "huggingface" / "hub"


def _read(path: Path) -> str:
    try:
        # A pipe would be waited for.
        if not path.is_file() or path.stat().st_size > _LARGEST_SETTINGS:
            return ""
        return path.read_text("utf-8-sig", "replace")
    except (OSError, ValueError):
        return ""


def _is_folder(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except (OSError, ValueError):
        return False
