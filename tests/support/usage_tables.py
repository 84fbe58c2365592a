"""The tables of docs/USAGE.md, made from the code that they describe.

``python -m tests.support.usage_tables`` writes them anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs

from llama_runner.cli import COMMANDS, OPTIONS, options_of
from llama_runner.config.app import AppConfig
from llama_runner.config.converter import expected_form
from llama_runner.config.engine_flags import OWNED_FLAGS
from llama_runner.config.json_schema import as_json
from llama_runner.config.models import ModelsConfig
from llama_runner.config.setting import Setting, settings_of
from tests.support.offences import OFFENCES

USAGE = Path(__file__).resolve().parents[2] / "docs" / "USAGE.md"

Row = tuple[str, ...]


def with_tables(text: str) -> str:
    """Return the page with each marked table replaced by a fresh one."""
    for name, table in tables().items():
        begin, end = f"<!-- table: {name} -->", "<!-- end of table -->"
        assert text.count(begin) == 1, f"docs/USAGE.md needs one place for the table {name!r}"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return text


def tables() -> Mapping[str, str]:
    """Return every table by the name in its marker."""
    return {
        "commands": _table(("command", "what it does", "its options"), _command_rows()),
        "options": _table(("option", "what it does"), _option_rows()),
        "app_config": _table(_KEY_HEAD, _key_rows(AppConfig, "", None)),
        "models_config": _table(_KEY_HEAD, _key_rows(ModelsConfig, "", None)),
        "costs": _table(("a client that …", "limit", "default", "sees"), _cost_rows()),
        "owned_flags": ", ".join(f"`{flag}`" for flag in sorted(OWNED_FLAGS)),
    }


_KEY_HEAD = ("key", "value", "default", "meaning")


def _command_rows() -> Iterator[Row]:
    for command in COMMANDS:
        flags = ", ".join(f"`{option.flag}`" for option in options_of(command))
        yield f"`{command.usage}`", command.summary, flags


def _option_rows() -> Iterator[Row]:
    for option in OPTIONS:
        yield f"`{option.flag} {option.metavar}".rstrip() + "`", option.summary


def _cost_rows() -> Iterator[Row]:
    app = AppConfig()
    for offence in OFFENCES:
        values = [attrgetter(key)(app) for key in offence.keys]
        keys, defaults = (", ".join(f"`{one}`" for one in many) for many in (offence.keys, values))
        yield offence.what, keys, defaults, offence.sees


def _key_rows(cls: type[Any], prefix: str, base: Any) -> Iterator[Row]:
    for name, setting in settings_of(cls).items():
        default = setting.default if base is None else getattr(base, name)
        yield from _setting_rows(setting, f"{prefix}{name}", default)


def _setting_rows(setting: Setting, path: str, default: Any) -> Iterator[Row]:
    if attrs.has(setting.type):
        yield f"`{path}`", "an object", "", setting.documentation
        yield from _key_rows(setting.type, f"{path}.", default)
        return
    form, parts = _form(setting.type)
    shown = "required" if default is attrs.NOTHING else f"`{json.dumps(as_json(default))}`"
    yield f"`{path}`", form, shown, setting.documentation
    if parts is not None:
        inner = "[]" if get_origin(setting.type) is tuple else ".KEY"
        yield from _key_rows(parts, f"{path}{inner}.", None)


def _form(wanted: Any) -> tuple[str, type[Any] | None]:
    """Say what a value looks like, and of which class its parts are, if of one."""
    arguments = get_args(wanted)
    if get_origin(wanted) is tuple:
        parts = arguments[0] if attrs.has(arguments[0]) else None
        return f"a list, each {_brief(arguments[0])}", parts
    if get_origin(wanted) is Mapping:
        parts = arguments[1] if attrs.has(arguments[1]) else None
        return f"an object, each value {_brief(arguments[1])}", parts
    return _brief(wanted), None


def _brief(wanted: Any) -> str:
    return re.sub(r" \(.*?\)|, such as [^,]*", "", expected_form(wanted)).replace("\\", "\\\\")


def _table(head: Row, rows: Iterator[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    USAGE.write_text(with_tables(USAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
