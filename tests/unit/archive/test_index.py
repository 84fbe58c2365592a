"""What is kept of saved slots, and what goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llama_runner.archive.entry import Entry, beyond
from llama_runner.archive.index import Index
from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Sample, Unknown

PROBING = Probing((Sample("probe", (1,), (2,), 1),), Pace(1, 1.0), Pace(1, 1.0))
PROVEN = Proven(Pace(1, 1.0), Pace(1, 0.0), Pace(1, 0.0))


def entry(file: str, slot: int = 0, size: int = 1, used: float = 0.0, of: str = "i") -> Entry:
    return Entry(
        file=file,
        identity=of,
        model="m",
        slot=slot,
        client="one",
        tokens=10,
        size=size,
        used=used,
    )


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 20)), max_size=12), st.integers(0, 40))
def test_what_was_not_used_for_longest_goes_and_no_more_than_must(
    made: list[tuple[int, int]], most: int
) -> None:
    entries = [entry(str(n), n, size, used) for n, (size, used) in enumerate(made)]
    gone = beyond(entries, most)
    left = [one for one in entries if one not in gone]
    assert sum(one.size for one in left) <= most
    if gone:
        assert max(one.used for one in gone) <= min((one.used for one in left), default=99)
        assert sum(one.size for one in left) + gone[-1].size > most


def test_a_slot_that_is_saved_again_takes_the_place_of_what_was_saved_before() -> None:
    index = Index(100)
    assert index.add(entry("old")) == set()
    assert index.add(entry("new")) == {"old"}
    assert [one.file for one in index.of("i", "m")] == ["new"]


def test_models_of_the_same_file_do_not_take_each_others_place() -> None:
    index = Index(100)
    index.add(entry("one"))
    assert index.add(entry("other", of="j")) == set()
    assert [one.file for one in index.of("i", "m")] == ["one"]
    assert index.of("i", "another") == []


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 30)), max_size=20))
def test_it_is_never_more_than_it_may_be(adds: list[tuple[int, int]]) -> None:
    index, there = Index(50), set[str]()
    for number, (slot, size) in enumerate(adds):
        there.add(str(number))
        there -= index.add(entry(str(number), slot, size, used=number))
        assert index.size <= 50
        assert index.files == there


def test_nothing_is_kept_of_an_engine_that_is_refuted() -> None:
    index = Index(100)
    index.judge("i", PROBING)
    index.add(entry("one"))
    index.add(entry("two", of="j"))
    assert index.files == {"probe", "one", "two"}
    assert index.judge("i", Refuted("no")) == {"probe", "one"}


def test_the_files_of_a_probe_go_with_it() -> None:
    index = Index(100)
    index.judge("i", PROBING)
    assert index.judge("i", PROVEN) == {"probe"}


def test_what_has_no_file_is_forgotten() -> None:
    index = Index(100)
    index.judge("i", PROBING)
    index.judge("j", PROVEN)
    index.add(entry("one"))
    index.add(entry("two", slot=1))
    index.keep({"two", "three"})
    assert index.files == {"two"}
    assert index.verdict("i") == Unknown()
    assert index.verdict("j") == PROVEN


def test_one_that_is_dropped_twice_takes_nothing_else_along() -> None:
    index, old, new = Index(100), entry("old"), entry("new")
    index.add(old)
    index.add(new)
    assert index.drop(old) == {"old"}
    assert index.files == {"new"}
