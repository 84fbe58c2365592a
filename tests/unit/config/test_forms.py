from __future__ import annotations

from typing import Any

import pytest

from llama_runner.config.converter import make_converter
from llama_runner.config.forms import HostText, Name, OriginText, PathText, SecretText
from llama_runner.config.problem import Refused

CONVERTER = make_converter()


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (PathText, r"F:\llm\llama\llama-server.exe"),
        (PathText, "/srv/Modèles und mehr/x.gguf"),
        (PathText, r"\\server\share\models"),
        (PathText, ""),
        (HostText, "127.0.0.1"),
        (HostText, "::"),
        (HostText, "fe80::1"),
        (HostText, "my-machine.local"),
        (OriginText, "http://localhost:3000"),
        (OriginText, "chrome-extension://abcdef"),
        (SecretText, "sk-12345"),
        (Name, "qwen 2.5"),
        (Name, "x"),
    ],
)
def test_what_people_write_is_accepted(form: Any, value: str) -> None:
    assert CONVERTER.structure(value, form) == value


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (PathText, "F:\new"),
        (PathText, "a\0b"),
        (HostText, ""),
        (HostText, "http://localhost"),
        (HostText, "localhost:1234"),
        (HostText, "[::1]"),
        (HostText, "-x"),
        (HostText, "a b"),
        (HostText, "*"),
        (OriginText, "localhost"),
        (OriginText, "http://localhost/"),
        (OriginText, "*"),
        (SecretText, "short"),
        (SecretText, "with spaces in"),
        (SecretText, "schlüssel"),
        (Name, ""),
        (Name, " x"),
        (Name, "x\n"),
    ],
)
def test_what_cannot_be_meant_is_refused(form: Any, value: str) -> None:
    with pytest.raises(Refused, match="^expected "):
        CONVERTER.structure(value, form)


def test_a_lone_backslash_that_json_took_for_a_newline_is_explained() -> None:
    with pytest.raises(Refused) as caught:
        CONVERTER.structure("F:\new", PathText)
    assert "each backslash is written twice" in str(caught.value)
