from __future__ import annotations

from typing import Any

import pytest

from llama_runner.config.engine_flags import OWNED_FLAGS, SHORT_FLAGS, FlagName, FlagValue


@pytest.mark.parametrize("flag", ["ctx-size", "n-gpu-layers", "no-mmap", "rope-freq-base", "temp"])
def test_long_names_are_accepted(flag: str) -> None:
    assert FlagName().objection(flag) is None


@pytest.mark.parametrize("flag", sorted(OWNED_FLAGS))
def test_flags_of_the_program_itself_are_refused(flag: str) -> None:
    assert FlagName().objection(flag) == "this flag is set by the program itself; take it out"


@pytest.mark.parametrize(("short", "long"), sorted(SHORT_FLAGS.items()))
def test_short_names_are_answered_with_the_long_one(short: str, long: str) -> None:
    assert FlagName().objection(short) == f'expected the long name of this flag, "{long}"'
    assert FlagName().objection(long) is None


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--ctx-size", "ctx-size"),
        ("-ngl", "gpu-layers"),
        ("ctx_size", "ctx-size"),
        ("Ctx-Size", "ctx-size"),
        (" ctx-size", "ctx-size"),
    ],
)
def test_other_spellings_are_answered_with_what_was_meant(flag: str, meant: str) -> None:
    objection = FlagName().objection(flag)
    assert objection is not None
    assert objection.endswith(f'did you mean "{meant}"?')


@pytest.mark.parametrize("flag", ["", "-", "ctx-size 5", "ctx--size", "flag=1", "ctx-size\n"])
def test_what_is_no_name_is_refused(flag: str) -> None:
    assert FlagName().objection(flag) is not None


@pytest.mark.parametrize("value", [0, -1, 0.5, "", "q8_0", "line\nline", True, False])
def test_values_are_scalars(value: Any) -> None:
    assert FlagValue().objection(value) is None


@pytest.mark.parametrize("value", [None, [], {}, "a\0b"])
def test_what_no_command_line_can_hold_is_refused(value: Any) -> None:
    objection = FlagValue().objection(value)
    assert objection is not None
    assert objection.startswith("expected a string, a number, true or false, got ")
