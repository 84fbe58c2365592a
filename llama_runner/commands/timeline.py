"""``timeline``: what each load waited for, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from llama_runner.chrome_trace import chrome_trace
from llama_runner.cli import ExitCode, Options
from llama_runner.commands.asking import ask_running
from llama_runner.errors import ConfigError


def timeline(options: Options) -> ExitCode:
    """Print the loads of the serving program, or write them as a trace for Chrome.

    Raises:
        NotReached: nothing serves, or it does not answer.
        ConfigError: the file cannot be written.

    """
    fields = ask_running(options, "/api/timeline")
    loads = fields["loads"]
    if options.chrome is not None:
        try:
            options.chrome.write_text(json.dumps(chrome_trace(loads)), encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                "--chrome", (f"{options.chrome} cannot be written: {error}",)
            ) from error
        print(
            f"{options.chrome}: {len(loads)} loads; open it in ui.perfetto.dev or chrome://tracing"
        )
    elif options.json:
        print(json.dumps(fields))
    else:
        print("\n".join(_lines(loads)) or "nothing was loaded yet")
    return ExitCode.NORMAL


def _lines(loads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for load in loads:
        at = datetime.fromtimestamp(load["began"]).strftime("%H:%M:%S")
        waited = f"{load['requests']} waited" if load["requests"] != 1 else load["client"]
        yield f"{at}  {load['model']}  {load['seconds']:.2f} s  {load['outcome']}  ({waited})"
        for step in load["steps"]:
            about = f"  {step['about']}" if step["about"] else ""
            yield f"          {step['seconds']:8.3f} s  {step['name']}{about}"
