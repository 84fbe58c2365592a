import struct

import pytest

from llama_runner.catalog.gguf import GGUFError
from tests.support.gguf_reading import header_of
from tests.support.gguf_writer import Tensor, Writer, encode_gguf


def test_weights_are_added_up():
    tensors = [Tensor("a", (8, 4)), Tensor("b", ()), Tensor("c", (256,), kind=12, size=144)]
    header = header_of(encode_gguf({}, tensors))
    assert header.tensors.count == 3
    assert header.tensors.weights == 32 + 1 + 256


def test_a_thousand_tensors_are_read_across_windows():
    tensors = [Tensor(f"blk.{number}.{'x' * 60}.weight") for number in range(2000)]
    assert header_of(encode_gguf({}, tensors)).tensors.weights == 16_000


def test_a_type_newer_than_the_table_is_accepted():
    assert header_of(encode_gguf({}, [Tensor("a", kind=99)])).tensors.weights == 8


def test_a_file_without_all_its_weights_is_refused_as_incomplete():
    content = encode_gguf({}, [Tensor("a", (1024,))])
    with pytest.raises(GGUFError, match=f"incomplete.*byte {len(content)}.*only {len(content)-1}"):
        header_of(content[:-1])


def _table(row: bytes) -> bytes:
    return b"GGUF\x03\0\0\0" + struct.pack("<QQ", 1, 0) + row + bytes(2048)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Writer().length(2**64 - 1), "a name of 18446744073709551615 bytes"),
        (Writer().string("a") + struct.pack("<I", 9), "9 dimensions"),
        (Writer().string("a") + struct.pack("<IQQIQ", 2, 2**62, 2, 0, 0), "weights at offset"),
        (Writer().string("a") + struct.pack("<IQIQ", 1, 2, 0, 7), "at offset 7"),
        (Writer().string("a") + struct.pack("<IQIQ", 1, 2, 0, 2**63), "incomplete"),
    ],
)
def test_an_impossible_row_is_refused(row, says):
    with pytest.raises(GGUFError, match=says):
        header_of(_table(row))


def test_a_table_cut_off_by_the_end_is_refused():
    content = encode_gguf({}, [Tensor("a" * 500)] * 3)
    with pytest.raises(GGUFError, match="cut off"):
        header_of(content[:1300])
