"""``python -m llama_runner``: one command, one exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

from llama_runner.cli import ExitCode, Options, parse
from llama_runner.errors import ConfigError, LlamaRunnerError, PortTaken


def main() -> int:
    """Run the command of the command line; expected trouble is one plain message."""
    options = parse(sys.argv[1:])
    try:
        return _command(options.command)(options)
    except ConfigError as error:
        _complain(options, f"{error.source} is not usable:", error.problems)
        return ExitCode.CONFIGURATION
    except PortTaken as error:
        _complain(options, str(error))
        return ExitCode.PORT
    except LlamaRunnerError as error:
        _complain(options, str(error))
        return ExitCode.BUG
    except KeyboardInterrupt:
        # Before it serves, or while a command waits; a program that serves ends properly.
        _complain(options, "interrupted")
        return ExitCode.INTERRUPTED


def _command(name: str) -> Callable[[Options], ExitCode]:
    # Each is imported only when asked for: `status` need not wait for the web framework.
    if name == "start":
        from llama_runner.commands.start import start as command
    elif name == "stop":
        from llama_runner.commands.stop import stop as command
    elif name == "status":
        from llama_runner.commands.status import status as command
    elif name == "models":
        from llama_runner.commands.models import models as command
    elif name in ("ps", "load", "unload", "pin", "unpin"):
        from llama_runner.commands import control

        command = {
            "ps": control.ps,
            "load": control.load,
            "unload": control.unload,
            "pin": control.pin,
            "unpin": control.pin,
        }[name]
    elif name == "run":
        from llama_runner.commands.run import run as command
    elif name == "pull":
        from llama_runner.commands.pull import pull as command
    elif name == "show":
        from llama_runner.commands.show import show as command
    elif name in ("rm", "cp"):
        from llama_runner.commands import rearranging

        command = rearranging.remove if name == "rm" else rearranging.copy
    elif name == "timeline":
        from llama_runner.commands.timeline import timeline as command
    elif name == "validate":
        from llama_runner.commands.validate import validate as command
    else:
        raise ConfigError("command line", (f"{name} is run by main.py of a checkout",))
    return command


def _complain(options: Options, message: str, problems: tuple[str, ...] = ()) -> None:
    if options.json:
        fields: Mapping[str, object] = {"error": message, "problems": problems}
        print(json.dumps(fields))
    print("\n  ".join((message, *problems)), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
