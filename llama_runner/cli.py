"""The command line: argv → ``Options``, by the table of commands and options."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NoReturn

from attrs import evolve

import llama_runner
from llama_runner.cli_table import (
    COMMANDS,
    ENGINE_VARIABLE,
    OPTIONS,
    Command,
    Option,
    options_of,
)
from llama_runner.config.options import OFF, Options, apply_options

__all__ = [
    "COMMANDS",
    "ENGINE_VARIABLE",
    "OFF",
    "OPTIONS",
    "Command",
    "ExitCode",
    "Option",
    "Options",
    "apply_options",
    "build_parser",
    "options_of",
    "parse",
]


class ExitCode(IntEnum):
    """What the program's end tells the shell."""

    NORMAL = 0
    BUG = 1
    CONFIGURATION = 2
    PORT = 3
    INTERRUPTED = 128 + 2
    """What a shell makes of Ctrl-C, and main.py too."""


def parse(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> Options:
    """Return what the arguments (without the program's name) ask for.

    A mistake is told on stderr and ends the program with code 2.
    """
    environ = os.environ if environ is None else environ
    parser = build_parser()
    if not argv:
        parser.print_help(sys.stderr)
        raise SystemExit(ExitCode.CONFIGURATION)
    _refuse_other_commands(parser, argv[0])
    given, unknown = parser.parse_known_args(_with_values(argv))
    words, unknown = _split(given.words, unknown, given.command)
    if unknown:
        _refuse_unknown(parser, given.command, unknown[0])
    lists = {"peer": tuple(given.peer), "image": tuple(given.image), "words": words}
    options = Options(**vars(given) | lists)
    if options.engine is None:
        options = evolve(options, engine=environ.get(ENGINE_VARIABLE, "").strip() or None)
    return options


def _with_values(argv: Sequence[str]) -> list[str]:
    """Return the arguments with a value for each option that may go without."""
    alone = {option.flag: option.alone for option in OPTIONS if option.alone is not None}
    return [f"{word}={alone[word]}" if word in alone else word for word in argv]


def _split(
    words: Sequence[str], unknown: list[str], command: str
) -> tuple[tuple[str, ...], list[str]]:
    """Return what a command was told, and what is unknown to it.

    Words behind an option are unknown to argparse, where any number may come.
    """
    (entry,) = (entry for entry in COMMANDS if entry.name == command)
    if not entry.rest.endswith("...]") or any(word.startswith("-") for word in unknown):
        return tuple(words), unknown
    return (*words, *unknown), []


class _Parser(argparse.ArgumentParser):
    """Names what was meant where argparse only says what was wrong."""

    def error(self, message: str) -> NoReturn:
        """Tell the mistake and where help is; exit with code 2."""
        message = message.removeprefix("argument ")
        self.exit(ExitCode.CONFIGURATION, f"{self.prog}: {message}\nHelp: {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser that the table describes."""
    parser = _Parser(
        prog="main.py",
        description="Serve local GGUF models behind the LM Studio and Ollama APIs.",
        epilog="main.py COMMAND --help shows the options of a command.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"LlamaRunner Pro {llama_runner.__version__}"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, title="commands"
    )
    for command in COMMANDS:
        described = commands.add_parser(
            command.name,
            help=command.summary,
            description=_sentence(command.summary),
            allow_abbrev=False,
        )
        if command.model:
            described.add_argument("model", metavar="MODEL", help="its name, as in a request")
        _add_rest(described, command.rest)
        for option in OPTIONS:
            _add_option(described, option, shown=option.name in command.options)
    return parser


def _add_rest(parser: argparse.ArgumentParser, rest: str) -> None:
    """Have ``words`` hold what follows the model."""
    name = rest.strip("[].")
    if not name:
        parser.set_defaults(words=())
    else:
        parser.add_argument("words", metavar=name, nargs="*" if rest != name else 1, help="")


def _add_option(parser: argparse.ArgumentParser, option: Option, *, shown: bool) -> None:
    summary = option.summary if shown else argparse.SUPPRESS
    if option.read is None:
        parser.add_argument(option.flag, action="store_true", help=summary)
    elif option.repeatable:
        parser.add_argument(
            option.flag,
            type=option.read,
            metavar=option.metavar,
            help=summary,
            action="append",
            default=[],
        )
    else:
        parser.add_argument(
            option.flag, type=option.read, metavar=option.metavar, help=summary, default=None
        )


def _refuse_other_commands(parser: argparse.ArgumentParser, word: str) -> None:
    names = [command.name for command in COMMANDS]
    if word in (*names, "-h", "--help", "--version"):
        return
    if word.startswith("-"):
        parser.error(f"expected a command first, such as start, got {word}")
    parser.error(f"expected a command, got {word!r}{_meant(word, names)}")


def _refuse_unknown(parser: argparse.ArgumentParser, command: str, word: str) -> NoReturn:
    flag = word.partition("=")[0]
    if not flag.startswith("-"):
        parser.error(f"expected only options after {command}, got {word!r}")
    parser.error(f"{flag} is not an option{_meant(flag, [option.flag for option in OPTIONS])}")


def _meant(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return "; there are " + ", ".join(known)


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."
