from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from llama_runner import __version__
from llama_runner.cli import (
    COMMANDS,
    ExitCode,
    OFF,
    OPTIONS,
    Options,
    build_parser,
    options_of,
    parse,
)

NAMES = [command.name for command in COMMANDS]


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as caught:
        parse(argv, {})
    assert caught.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()[0]


def test_a_command_alone_says_nothing_else() -> None:
    assert parse(["start"], {}) == Options(command="start")


def test_every_option_is_read() -> None:
    argv = (
        "start --config-dir c --models-dir m --engine e --host localhost --lmstudio-port 1 "
        "--ollama-port=0 --dashboard-port OFF --state-dir s --ready-file r.json --json"
    )
    assert parse(argv.split(), {}) == Options(
        command="start",
        config_dir=Path("c"),
        models_dir=Path("m"),
        engine="e",
        host="localhost",
        lmstudio_port=1,
        ollama_port=0,
        dashboard_port=OFF,
        state_dir=Path("s"),
        ready_file=Path("r.json"),
        json=True,
    )


def test_the_table_and_the_options_hold_the_same_names() -> None:
    fields = {attribute.name for attribute in attrs.fields(Options)}
    assert {option.name for option in OPTIONS} | {"command", "model", "words"} == fields
    for command in COMMANDS:
        assert len(options_of(command)) == len(command.options), command.name


@pytest.mark.parametrize("name", NAMES)
def test_one_set_of_arguments_serves_every_command(name: str) -> None:
    (command,) = (command for command in COMMANDS if command.name == name)
    argv = [
        *command.usage.split(),
        "--config-dir",
        "c",
        "--state-dir",
        "s",
        "--ready-file",
        "r",
        "--json",
    ]
    options = parse(argv, {})
    assert (options.command, options.model) == (name, "MODEL" if command.model else None)


@pytest.mark.parametrize("name", ["load", "unload", "pin", "unpin"])
def test_what_is_done_with_a_model_needs_its_name(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        parse([name], {})
    assert raised.value.code == ExitCode.CONFIGURATION
    assert "MODEL" in capsys.readouterr().err


def test_the_engine_can_come_from_the_environment() -> None:
    environ = {"LLAMA_RUNNER_ENGINE": "/opt/llama-server"}
    assert parse(["start"], environ).engine == "/opt/llama-server"
    assert parse(["start", "--engine", "embedded"], environ).engine == "embedded"
    assert parse(["start"], {"LLAMA_RUNNER_ENGINE": " "}).engine is None


def test_home_is_understood_where_no_shell_does_it() -> None:
    assert parse(["start", "--models-dir", "~/models"], {}).models_dir == Path.home() / "models"


@pytest.mark.parametrize("text", ["70000", "65536", "-1", "1.5", "x", "", "٣", "99999999999999"])
def test_a_wrong_port_is_refused_with_the_flag_and_what_was_expected(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    message = refused(capsys, "start", f"--ollama-port={text}")
    assert message == (
        f"main.py start: --ollama-port: expected an integer from 0 to 65535, or off, got {text!r}"
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("strat", "main.py: expected a command, got 'strat'; did you mean start?"),
        ("xyzzy", f"main.py: expected a command, got 'xyzzy'; there are {', '.join(NAMES)}"),
        ("--json start", "main.py: expected a command first, such as start, got --json"),
        ("start stop", "main.py: expected only options after start, got 'stop'"),
        ("start --hots x", "main.py: --hots is not an option; did you mean --host?"),
        ("start --hos=x", "main.py: --hos is not an option; did you mean --host?"),
        ("start --host", "main.py start: --host: expected one argument"),
        (
            "start --host http://x",
            "main.py start: --host: expected a host name or an IP address, "
            "without scheme and port, got 'http://x'",
        ),
        ("start --config-dir=", "main.py start: --config-dir: expected a path, got ''"),
        (
            "start --engine=",
            "main.py start: --engine: expected a path, a program or embedded, got ''",
        ),
    ],
)
def test_mistakes_are_told_with_what_was_meant(
    capsys: pytest.CaptureFixture[str], argv: str, message: str
) -> None:
    assert refused(capsys, *argv.split()) == message


def test_nothing_at_all_is_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys).startswith("usage: main.py")


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], {})
    assert caught.value.code == 0
    assert build_parser().format_help() == capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command.name} " in build_parser().format_help()


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_shows_the_options_that_matter_to_it(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit):
        parse([name, "--help"], {})
    shown = capsys.readouterr().out
    command = next(command for command in COMMANDS if command.name == name)
    for option in OPTIONS:
        assert (f"  {option.flag}" in shown) is (option.name in command.options), option.flag


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--version"], {})
    assert capsys.readouterr().out == f"LlamaRunner Pro {__version__}\n"
