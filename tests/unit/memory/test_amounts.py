import pytest
from hypothesis import given, strategies as st

from llama_runner.memory.amounts import NOTHING, Amounts, in_words, total

amounts = st.builds(
    Amounts, st.dictionaries(st.sampled_from(["ram", "gpu0", "gpu1"]), st.integers(0, 1 << 40))
)


@given(amounts, amounts)
def test_what_is_added_can_be_taken_away_again(one: Amounts, other: Amounts) -> None:
    assert one + other - other == one


@given(amounts, amounts)
def test_a_part_fits_the_whole(one: Amounts, other: Amounts) -> None:
    assert one.fits(one + other)


def test_room_on_one_device_is_none_on_another() -> None:
    assert not Amounts({"gpu0": 5, "ram": 1}).fits(Amounts({"gpu1": 100, "ram": 100}))


def test_nothing_fits_anywhere_and_equals_zero_bytes() -> None:
    assert NOTHING.fits(NOTHING)
    assert Amounts({"gpu0": 0}) == NOTHING


def test_a_total_is_made_device_by_device() -> None:
    parts = [Amounts({"ram": 1}), Amounts({"ram": 2, "gpu0": 3})]
    assert total(parts) == Amounts({"ram": 3, "gpu0": 3})
    assert total([]) == NOTHING


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "nothing"),
        ({"ram": 999}, "999 bytes of ram"),
        ({"ram": 532_300_000}, "532 MB of ram"),
        ({"ram": 4_210_000_000, "gpu 0": 8_000_000_000}, "8.0 GB of gpu 0 and 4.2 GB of ram"),
    ],
)
def test_an_amount_is_told_in_words(held: dict[str, int], words: str) -> None:
    assert in_words(Amounts(held)) == words
