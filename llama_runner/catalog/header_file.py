"""Drives the sans-I/O header reader from a file on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_runner.catalog.gguf import Header, read_header

if TYPE_CHECKING:
    from pathlib import Path


def read_header_file(path: Path, size: int) -> Header:
    """Read the header of the GGUF file at ``path``, which has ``size`` bytes.

    Plain reads instead of a memory map: a file that is truncated while it is
    mapped would end the whole process.
    """
    reading = read_header(size)
    with path.open("rb", buffering=0) as file:
        span = next(reading)
        while True:
            file.seek(span.position)
            try:
                span = reading.send(file.read(span.size))
            except StopIteration as finished:
                header: Header = finished.value
                return header
