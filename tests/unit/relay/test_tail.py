from hypothesis import given, strategies as st

from llama_runner.relay.tail import Tail


@given(st.lists(st.binary(max_size=50)), st.integers(1, 20))
def test_it_is_the_end_of_all_that_was_fed(pieces: list[bytes], size: int) -> None:
    tail = Tail(size)
    for piece in pieces:
        tail.feed(piece)
    assert tail.last == b"".join(pieces)[-size:]
    assert len(tail._held) <= 8 * size
