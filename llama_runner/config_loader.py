"""Read configuration files into validated, immutable values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from llama_runner.config.app import AppConfig
from llama_runner.config.checks import app_problems, models_problems
from llama_runner.config.configuration import Configuration
from llama_runner.config.constraint import mismatch
from llama_runner.config.converter import make_converter
from llama_runner.config.json_text import UnreadableParts, parse_document
from llama_runner.config.models import ModelsConfig
from llama_runner.config.problem import Problem, Refused
from llama_runner.errors import ConfigError

APP_CONFIG_FILE = "app_config.json"
MODELS_CONFIG_FILE = "models_config.json"

T = TypeVar("T")
# What must hold between sections, and the names of those that are refused already.
Check = Callable[[T, frozenset[str]], list[Problem]]

_CONVERTER = make_converter()


def default_config_dir() -> Path:
    """Return the folder ``config`` of the checkout that this program runs from."""
    return Path(__file__).resolve().parent.parent / "config"


def load_configuration(config_dir: Path | None = None) -> Configuration:
    """Return both files as one value, or every problem of both.

    A folder that was named must be there; the default one, and each file,
    may be missing and then means the defaults.
    """
    folder = default_config_dir() if config_dir is None else config_dir
    if config_dir is not None and not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise ConfigError(str(folder), (f"expected a folder with {APP_CONFIG_FILE}, got {found}",))
    problems: list[str] = []
    app = _collect(problems, folder / APP_CONFIG_FILE, load_app_config)
    models = _collect(problems, folder / MODELS_CONFIG_FILE, load_models_config)
    if app is None or models is None:
        raise ConfigError(str(folder), tuple(problems))
    return Configuration(app, models)


def load_app_config(path: Path) -> AppConfig:
    """Return the whole of app_config.json, or every reason why there is none."""
    return _load(path, AppConfig, app_problems)


def load_models_config(path: Path) -> ModelsConfig:
    """Return the whole of models_config.json, or every reason why there is none."""
    return _load(path, ModelsConfig, models_problems)


def read_document(document: Any, wanted: type[T]) -> T:
    """Return a configuration from an already parsed document.

    Raises:
        Refused: with every problem of the document.
    """
    if not isinstance(document, dict) or "$schema" not in document:
        return _CONVERTER.structure(document, wanted)
    # Editors look there for the schema's address; it says nothing to us.
    address = document["$schema"]
    rest = {key: value for key, value in document.items() if key != "$schema"}
    if type(address) is str:
        return _CONVERTER.structure(rest, wanted)
    raise Refused(
        [Problem(("$schema",), mismatch("a string", address)), *_problems_of(rest, wanted)]
    )


def _load(path: Path, wanted: type[T], check: Check[T]) -> T:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return wanted()
    except OSError as error:
        raise ConfigError(str(path), (f"cannot be read: {error.strerror}",)) from error
    try:
        return _parse(content, wanted, check)
    except Refused as refusal:
        raise ConfigError(str(path), tuple(map(str, refusal.problems))) from refusal


def _parse(content: bytes, wanted: type[T], check: Check[T]) -> T:
    document, problems = _read(content)
    known = {problem.path for problem in problems}
    further = _problems_of(document, wanted)
    problems += [problem for problem in further if problem.path not in known]
    if any(not problem.path for problem in problems):
        raise Refused(problems)
    unsound = frozenset(str(problem.path[0]) for problem in problems)
    sound = {key: value for key, value in document.items() if key not in unsound}
    value = read_document(sound, wanted)
    problems += check(value, unsound)
    if problems:
        raise Refused(problems)
    return value


def _read(content: bytes) -> tuple[Any, list[Problem]]:
    try:
        return parse_document(content), []
    except UnreadableParts as unreadable:
        return unreadable.document, list(unreadable.problems)


def _problems_of(document: Any, wanted: type[Any]) -> tuple[Problem, ...]:
    try:
        read_document(document, wanted)
    except Refused as refusal:
        return refusal.problems
    return ()


def _collect(problems: list[str], path: Path, load: Callable[[Path], T]) -> T | None:
    try:
        return load(path)
    except ConfigError as error:
        problems.extend(f"{path.name}: {problem}" for problem in error.problems)
        return None
