"""What the program can be told: one table of commands and options.

It feeds the argument parser and the tables of docs/USAGE.md, so a flag exists in both or
in neither.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from llama_runner.config.app import DEFAULT_PORTS
from llama_runner.config.forms import HOST
from llama_runner.config.options import OFF, PortChoice

ENGINE_VARIABLE = "LLAMA_RUNNER_ENGINE"


@frozen
class Command:
    """One thing the program can be told to do, and the options that bear on it.

    Every command takes every option, so that one set of arguments serves
    start, status and stop alike; its help shows those that matter to it.
    """

    name: str
    summary: str
    options: tuple[str, ...] = ()
    model: bool = False
    """Whether it is told which model it is about."""
    rest: str = ""
    """What else it is told: words as they stand in its usage, with ``...`` for any number."""

    @property
    def usage(self) -> str:
        """Its name and what follows it."""
        return " ".join(filter(None, (self.name, "MODEL" if self.model else "", self.rest)))


@frozen
class Option:
    """One flag, with what stands behind it and how that is read."""

    flag: str
    metavar: str
    summary: str
    read: Callable[[str], Any] | None = field(default=None, repr=False)
    repeatable: bool = False
    alone: str | None = None
    """What it means without a value; a value then follows only behind ``=``."""

    @property
    def name(self) -> str:
        """The field of ``Options`` that holds it."""
        return self.flag.removeprefix("--").replace("-", "_")


def _path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a path, got {text!r}")
    return Path(text).expanduser()


def _engine(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a path, a program or embedded, got {text!r}")
    return text


def _host(text: str) -> str:
    if HOST.objection(text):
        raise argparse.ArgumentTypeError(f"expected {HOST.expected}, got {text!r}")
    return text


def _port(text: str) -> PortChoice:
    if text.lower() == OFF:
        return OFF
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected an integer from 0 to 65535, or off, got {text!r}")


def _peer(text: str) -> tuple[str, str]:
    name, _, url = text.partition("=")
    parts = urlsplit(url)
    try:
        fits = parts.scheme == "http" and parts.hostname is not None and parts.port != 0
    except ValueError:
        fits = False
    if not (name.isidentifier() and fits):
        raise argparse.ArgumentTypeError(f"expected NAME=http://HOST:PORT, got {text!r}")
    return name, url


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(words)}, got {text!r}")
        return text.lower()

    return read


def _port_option(listener: str, speaks: str) -> Option:
    port = DEFAULT_PORTS[listener]
    summary = (
        f"port of the {speaks} listener (default {port}); 0 picks a free one, off leaves it out"
    )
    return Option(f"--{listener}-port", "PORT", summary, _port)


OPTIONS: tuple[Option, ...] = (
    Option(
        "--config-dir",
        "DIR",
        "folder with app_config.json and models_config.json (default: config, beside main.py)",
        _path,
    ),
    Option("--models-dir", "DIR", "folder with GGUF files, in place of models.dir", _path),
    Option(
        "--engine",
        "PATH",
        "llama-server to run, or the word embedded, in place of engine.path; the environment "
        f"variable {ENGINE_VARIABLE} does the same",
        _engine,
    ),
    Option("--host", "ADDRESS", "address that every listener listens on", _host),
    _port_option("lmstudio", "LM Studio and OpenAI"),
    _port_option("ollama", "Ollama"),
    _port_option("dashboard", "dashboard"),
    Option("--state-dir", "DIR", "folder for what is remembered between two starts", _path),
    Option(
        "--ready-file",
        "PATH",
        "JSON file with process id and addresses, written once every listener serves",
        _path,
    ),
    Option("--json", "", "print JSON for programs in place of text for people"),
    Option(
        "--format",
        "FORMAT",
        "what the answer must be: json; the prompt should ask for it too",
        _one_of("json"),
    ),
    Option(
        "--think",
        "[=VALUE]",
        "whether the model thinks before it answers: true (so without a value), false, low, "
        "medium, high or max",
        _one_of("true", "false", "low", "medium", "high", "max"),
        alone="true",
    ),
    Option("--hide-thinking", "", "do not print what the model thinks"),
    Option(
        "--image", "PATH", "a picture for the first prompt (repeatable)", _path, repeatable=True
    ),
    Option("--modelfile", "", "print only the modelfile"),
    Option("--parameters", "", "print only the parameters"),
    Option("--system", "", "print only the system prompt"),
    Option("--template", "", "print only the template"),
    Option("--license", "", "print only the license"),
    Option("--check", "", "only say what it would take"),
    Option("--chrome", "PATH", "write a trace file for Chrome's or Perfetto's viewer", _path),
    Option("--quick", "", "measure for less than a minute; what is measured is noisier"),
    Option(
        "--peer",
        "NAME=URL",
        "another program to measure beside ours, at this address (repeatable)",
        _peer,
        repeatable=True,
    ),
    Option("--record", "", "write the figures into docs/figures"),
)

_CONFIGURING = (
    *("config_dir", "models_dir", "engine", "host"),
    *("lmstudio_port", "ollama_port", "dashboard_port", "state_dir"),
)

COMMANDS: tuple[Command, ...] = (
    Command("start", "serve until told to stop", (*_CONFIGURING, "ready_file", "json")),
    Command("stop", "stop the program that serves", ("state_dir", "json")),
    Command(
        "status", "show what serves, where, and which models are loaded", ("state_dir", "json")
    ),
    Command("ps", "list the models that are loaded", ("state_dir", "json")),
    Command(
        "load",
        "load a model, in its turn among the requests",
        ("check", "state_dir", "json"),
        model=True,
    ),
    Command(
        "unload",
        "stop a model once the requests it has are answered",
        ("state_dir", "json"),
        model=True,
    ),
    Command(
        "pin",
        "keep a model, once it is loaded, until the program ends",
        ("state_dir", "json"),
        model=True,
    ),
    Command("unpin", "let a pinned model go like any other", ("state_dir", "json"), model=True),
    Command(
        "timeline",
        "show what each load of a model waited for, step by step",
        ("chrome", "state_dir", "json"),
    ),
    Command(
        "run",
        "chat with a model, or answer one prompt",
        ("format", "think", "hide_thinking", "image", "config_dir", "state_dir", "json"),
        model=True,
        rest="[PROMPT...]",
    ),
    Command("pull", "fetch a model", ("config_dir", "state_dir", "json"), model=True),
    Command(
        "show",
        "tell what a model is and can do",
        (
            *("modelfile", "parameters", "system", "template", "license"),
            *("config_dir", "state_dir", "json"),
        ),
        model=True,
    ),
    Command(
        "rm",
        "delete models",
        ("config_dir", "state_dir", "json"),
        model=True,
        rest="[MODEL...]",
    ),
    Command(
        "cp",
        "give a model a second name",
        ("config_dir", "state_dir", "json"),
        model=True,
        rest="DESTINATION",
    ),
    Command(
        "models",
        "list the models that are found, and the files passed over with the reason",
        ("config_dir", "models_dir", "state_dir", "json"),
    ),
    Command(
        "validate",
        "check configuration, engine and models without serving",
        (*_CONFIGURING, "json"),
    ),
    Command("test", "run the test suite", ("engine",)),
    Command("soak", "run the long tests at their full counts, and record dated figures"),
    Command("bench", "measure how fast requests are relayed", ("json", "quick", "peer", "record")),
)


def options_of(command: Command) -> tuple[Option, ...]:
    """Return the options of a command, in the order of the table."""
    return tuple(option for option in OPTIONS if option.name in command.options)
