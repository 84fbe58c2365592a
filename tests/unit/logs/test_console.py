from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO, cast

import pytest

from llama_runner.logs.console import Console
from llama_runner.logs.layout import console_text
from llama_runner.logs.line import LogLine


def line(text: str) -> LogLine:
    return LogLine(0.0, "INFO", "llama_runner", text)


def test_lines_go_to_a_stream_of_text() -> None:
    stream = io.StringIO()
    assert Console(stream).write([line("grüße"), line("b")]) == 2
    assert stream.getvalue() == console_text(line("grüße")) + console_text(line("b"))


def test_what_the_stream_cannot_encode_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with path.open("w", encoding="cp1252") as stream:
        Console(stream).write([line("grüße →")])
        # It went below the buffer, whose lock nothing of ours may hold.
        assert path.read_bytes() == console_text(line("grüße \\u2192")).encode("cp1252")
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii") as stream:
        Console(stream).write([line("é")])
        assert stream.buffer.getvalue().endswith(b"\\xe9\n")


def test_an_unbuffered_stream_is_written_to_directly(tmp_path: Path) -> None:
    path = tmp_path / "console"
    raw = path.open("wb", buffering=0)
    with io.TextIOWrapper(raw, encoding="utf-8", write_through=True) as stream:
        Console(stream).write([line("a")])
    assert path.read_text("utf-8") == console_text(line("a"))


@pytest.mark.parametrize("stream", [io.StringIO(), io.TextIOWrapper(io.BytesIO())])
def test_a_closed_stream_is_an_error_of_the_system(stream: io.StringIO) -> None:
    stream.close()
    with pytest.raises(OSError, match="closed"):
        Console(stream).write([line("a")])


class NonBlocking(io.RawIOBase):
    """Takes a few bytes now and then, as a pipe does that somebody made non-blocking."""

    def __init__(self) -> None:
        self.got = b""
        self._calls = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int | None:
        self._calls += 1
        if self._calls % 2:
            return None
        self.got += bytes(data)[:100]
        return min(100, len(bytes(data)))


def test_a_stream_that_somebody_made_non_blocking_gets_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw, waited = NonBlocking(), []
    monkeypatch.setattr("select.select", lambda *sets: waited.append(sets))
    stream = cast("TextIO", SimpleNamespace(buffer=raw, encoding="utf-8"))
    lines = [line("x" * 50)] * 20
    Console(stream).write(lines)
    assert raw.got.decode() == "".join(map(console_text, lines))
    assert set(waited) == {((), (raw,), ())}
