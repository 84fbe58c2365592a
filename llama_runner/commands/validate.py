"""``validate``: check configuration, engine and models without serving."""

from __future__ import annotations

import json

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.models import find
from llama_runner.commands.preparing import find_engine, prepare


def validate(options: Options) -> ExitCode:
    """Print what would be served; a mistake ends it as it would end ``start``.

    Raises:
        ConfigError: with every problem.

    """
    lines: list[str] = []
    prepared = prepare(options, lines.append)
    engine = find_engine(prepared, options, lines.append)
    found, catalog = find(prepared)
    lines.append(f"models: {len(catalog.models)} found, {len(found.passed_over)} files passed over")
    lines += [f"models_config.json: {problem}" for problem in catalog.problems]
    fields = {
        "valid": True,
        "engine": engine.description,
        "models": list(catalog.models),
        "problems": list(catalog.problems),
    }
    print(json.dumps(fields) if options.json else "\n".join([*lines, "the configuration is valid"]))
    return ExitCode.NORMAL
