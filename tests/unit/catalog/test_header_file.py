import pytest

from llama_runner.catalog.gguf import GGUFError
from llama_runner.catalog.header_file import read_header_file
from tests.support.gguf_writer import model_metadata, write_gguf


@pytest.mark.parametrize("form", [{}, {"version": 1}, {"version": 2}, {"big_endian": True}])
def test_a_file_on_disk_is_read(tmp_path, form):
    metadata = model_metadata(
        tokenizer__ggml__tokens=["word"] * 50_000, tokenizer__chat_template="hello"
    )
    path = write_gguf(tmp_path / "m.gguf", metadata, **form)
    header = read_header_file(path, path.stat().st_size)
    assert header.metadata["tokenizer.chat_template"] == "hello"
    assert header.tensors.weights == 32


def test_a_file_shorter_than_it_was_is_refused(tmp_path):
    path = write_gguf(tmp_path / "m.gguf")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(GGUFError, match="ended while"):
        read_header_file(path, size)
