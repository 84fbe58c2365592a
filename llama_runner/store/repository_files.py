"""Which files of a repository are a model: the wanted quantisation, its shards, its projector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from attrs import frozen

DEFAULT_QUANTIZATION = "Q4_K_M"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")
_OTHERS = ("mmproj", "imatrix", "-draft-", "mtp-")
_PROJECTOR_ORDER = ("f16", "bf16", "q8_0", "f32")


@frozen
class RepositoryFile:
    """A file of a repository; ``sha256`` is empty where it is not told."""

    path: str
    size: int
    sha256: str

    @property
    def stem(self) -> str:
        """Its name without ending and shard number, in small letters."""
        return _SHARD.sub("", PurePosixPath(self.path).stem).lower()

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.path).name


def choose_files(files: Sequence[RepositoryFile], tag: str) -> tuple[RepositoryFile, ...]:
    """Return the files of the model that ``tag`` names; nothing if there is none.

    A tag is a quantisation or a file's name, in any letter case. Without one it is
    ``Q4_K_M``, else what comes first.
    """
    models = [file for file in files if _is_gguf(file) and not _is_other(file)]
    plain = tag.lower() == "latest"
    wanted = DEFAULT_QUANTIZATION.lower() if plain else tag.lower()
    fitting = [file for file in models if _fits(file, wanted)] or (models if plain else [])
    if not fitting:
        return ()
    # Of what fits as well, the shortest: "UD-Q4_K_M" fits "Q4_K_M", and is another one.
    first = min(fitting, key=lambda file: (len(file.stem), file.path))
    folder = PurePosixPath(first.path).parent
    return tuple(
        sorted(
            (
                file
                for file in fitting
                if file.stem == first.stem and PurePosixPath(file.path).parent == folder
            ),
            key=lambda file: file.path,
        )
    )


def lacks_shards(files: Sequence[RepositoryFile]) -> bool:
    """Tell whether some of a model's shards are missing."""
    found = _SHARD.search(PurePosixPath(files[0].path).stem)
    return len(files) != (int(found[2]) if found else 1)


def choose_projector(files: Sequence[RepositoryFile]) -> RepositoryFile | None:
    """Return the projector of a repository, if it has one."""
    projectors = [file for file in files if _is_gguf(file) and "mmproj" in file.name.lower()]
    return min(projectors, key=_projector_rank, default=None)


def quantizations(files: Sequence[RepositoryFile]) -> list[str]:
    """Return what could be asked for instead, to be shown."""
    stems = {file.stem for file in files if _is_gguf(file) and not _is_other(file)}
    return sorted(stem.rpartition("-")[2].rpartition(".")[2].upper() for stem in stems)


def _is_gguf(file: RepositoryFile) -> bool:
    return file.path.lower().endswith(".gguf")


def _is_other(file: RepositoryFile) -> bool:
    return any(word in file.name.lower() for word in _OTHERS)


def _fits(file: RepositoryFile, wanted: str) -> bool:
    folder = PurePosixPath(file.path).parent.name.lower()
    names = (file.stem, file.name.lower(), folder)
    return wanted in names or file.stem.endswith(tuple(f"{mark}{wanted}" for mark in "-._"))


def _projector_rank(file: RepositoryFile) -> tuple[int, str]:
    stem = file.stem
    ends = (n for n, name in enumerate(_PROJECTOR_ORDER) if re.search(rf"(^|[-_.]){name}$", stem))
    return next(ends, len(_PROJECTOR_ORDER)), file.path
