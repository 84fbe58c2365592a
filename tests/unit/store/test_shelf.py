"""The folders and files of fetched models: no two share a name, on no system."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.store.shelf import folder_of

PART = st.text(string.ascii_lowercase + string.digits + "_.-:", min_size=1, max_size=6)
NAMES = st.lists(PART, min_size=2, max_size=4).map(lambda parts: "/".join(parts) + ":tag")


@given(NAMES, NAMES)
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    assert (folder_of(one) == folder_of(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("library/a:x.", "library/a:x"), ("library/con:x", "library/_con:x"), ("h:5/m:t", "h_5/m:t")],
)
def test_neither_do_those_that_a_system_takes_for_the_same(one: str, other: str) -> None:
    assert folder_of(one) != folder_of(other)


@pytest.mark.parametrize("name", ["con", "nul.txt", "COM1"])
def test_no_folder_is_a_device(name: str) -> None:
    first = folder_of(f"{name}/m:t").partition("@")[0]
    assert first == f"%{ord(name[0].lower()):02X}{name[1:].lower()}"


def test_capitals_do_not_tell_names_apart() -> None:
    assert folder_of("Library/Llama:7B") == folder_of("library/llama:7b")
