from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from llama_runner.http.tally import Tally

LIMIT = 3


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), max_size=60))
def test_nobody_has_more_than_the_limit_and_nobody_is_forgotten(
    steps: list[tuple[bool, str]],
) -> None:
    tally, held = Tally(LIMIT), Counter[str]()
    for adds, name in steps:
        if adds:
            assert tally.add(name) == (held[name] < LIMIT)
            held[name] = min(LIMIT, held[name] + 1)
        elif held[name]:
            tally.remove(name)
            held[name] -= 1
        assert len(tally) == sum(1 for count in held.values() if count)
