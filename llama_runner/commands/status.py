"""``status``: what serves, where, and which models are loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.asking import ask
from llama_runner.commands.running import read_running
from llama_runner.platforms.paths import state_folder


def status(options: Options) -> ExitCode:
    """Print the state of the serving program.

    Raises:
        NotReached: it serves but does not answer.

    """
    running = read_running(state_folder(options.state_dir))
    if running is None:
        print(json.dumps({"running": False}) if options.json else "nothing is serving")
        return ExitCode.NORMAL
    fields = ask(running, "/api/status")
    if options.json:
        print(json.dumps({"running": True, **fields}))
    else:
        print("\n".join(_lines(fields)))
    return ExitCode.NORMAL


def _lines(fields: Mapping[str, Any]) -> list[str]:
    listeners = [f"  {name:<10} {url or 'off'}" for name, url in fields["listeners"].items()]
    models = [
        f"  {model['key']:<40} {model['state']} {model['detail']}".rstrip()
        for model in fields["models"]
    ]
    return [
        f"serving (process {fields['pid']}), engine: {fields['engine']}",
        *listeners,
        f"models ({fields['queued']} requests wait):",
        *models,
    ]
