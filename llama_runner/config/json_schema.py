"""JSON Schemas (draft 2020-12) of the configuration files, made from their attrs classes.

``python -m llama_runner.config.json_schema`` writes them anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import attrs

from llama_runner.config.app import AppConfig
from llama_runner.config.converter import constraint_of
from llama_runner.config.models import ModelsConfig
from llama_runner.config.setting import Setting, settings_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: Mapping[str, type[Any]] = {
    "app_config.schema.json": AppConfig,
    "models_config.schema.json": ModelsConfig,
}

_PLAIN_TYPES = {bool: "boolean", str: "string", int: "integer", float: "number"}


def schema_of(cls: type[Any], file_name: str) -> dict[str, Any]:
    """Return the schema of one configuration file."""
    schema = _object(cls, None)
    schema["properties"] = {
        "$schema": {"type": "string", "description": "Where editors find this schema."},
        **schema["properties"],
    }
    title = file_name.replace(".schema.json", ".json")
    return {"$schema": DRAFT, "$id": file_name, "title": title, **schema}


def write_schemas(folder: Path) -> None:
    """Write the schema of each configuration file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, cls in SCHEMAS.items():
        text = rendered(schema_of(cls, file_name))
        (folder / file_name).write_text(text, encoding="utf-8", newline="\n")


def rendered(document: Any) -> str:
    """Return a document as the text of its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_json(value: Any) -> Any:
    """Return a configuration value as the document that a file would hold."""
    if attrs.has(type(value)):
        return {name: as_json(getattr(value, name)) for name in settings_of(type(value))}
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, tuple) else value


def _object(cls: type[Any], base: Any) -> dict[str, Any]:
    settings = settings_of(cls)
    required = [name for name, setting in settings.items() if setting.required and base is None]
    return {
        "type": "object",
        "properties": {name: _property(setting, base) for name, setting in settings.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _property(setting: Setting, base: Any) -> dict[str, Any]:
    default = setting.default if base is None else getattr(base, setting.name)
    if attrs.has(setting.type):
        schema = _object(setting.type, None if default is attrs.NOTHING else default)
        return {"description": setting.documentation, **schema}
    schema = {"description": setting.documentation, **_schema(setting.type)}
    return schema if default is attrs.NOTHING else {**schema, "default": as_json(default)}


def _schema(wanted: Any) -> dict[str, Any]:
    constraint = constraint_of(wanted)
    if constraint is not None:
        return constraint.schema()
    if wanted in _PLAIN_TYPES:
        return {"type": _PLAIN_TYPES[wanted]}
    if attrs.has(wanted):
        return _object(wanted, None)
    arguments = get_args(wanted)
    if get_origin(wanted) is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if get_origin(wanted) is Mapping:
        key, item = map(_schema, arguments)
        return {"type": "object", "propertyNames": key, "additionalProperties": item}
    choices = [_schema(choice) for choice in arguments if choice is not NoneType]
    return {"anyOf": [*choices, {"type": "null"}]}


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    write_schemas(Path(sys.argv[1]) if len(sys.argv) > 1 else root / "config" / "schema")
