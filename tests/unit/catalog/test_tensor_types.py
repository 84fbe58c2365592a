import pytest

from llama_runner.catalog.tensor_types import tensor_bytes


@pytest.mark.parametrize(
    ("kind", "weights", "size"),
    [(0, 10, 40), (1, 10, 20), (2, 64, 36), (8, 64, 68), (12, 512, 288), (39, 32, 17), (0, 0, 0)],
)
def test_blocks_are_counted_by_type(kind, weights, size):
    assert tensor_bytes(kind, weights) == size


def test_an_unknown_type_has_no_known_size():
    assert tensor_bytes(1000, 10) == 0
