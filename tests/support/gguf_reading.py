"""Drives the header reader from bytes in memory, and builds what it would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from llama_runner.catalog.facts import FileFacts, facts_of
from llama_runner.catalog.found_file import FoundFile
from llama_runner.catalog.gguf import Header, Reading, Span, read_header
from tests.support.gguf_writer import ONE_TENSOR, encode_gguf, model_metadata

T = TypeVar("T")


def drive(
    reading: Reading[T], content: bytes, answer: Callable[[bytes], bytes] = lambda piece: piece
) -> tuple[T, list[Span]]:
    """Run a reading over ``content``; ``answer`` may shorten what each span gets.

    Returns the outcome and the spans that were asked for.
    """
    asked: list[Span] = []
    try:
        span = next(reading)
        while True:
            asked.append(span)
            piece = content[span.position : span.position + span.size]
            span = reading.send(answer(piece))
    except StopIteration as finished:
        return finished.value, asked


def header_of(content: bytes) -> Header:
    """Read the header of a file with this content."""
    header, _ = drive(read_header(len(content)), content)
    return header


def facts(**metadata: Any) -> FileFacts:
    """Return the facts of a servable model; keywords use ``__`` for dots."""
    architecture = str(metadata.pop("general__architecture", "llama"))
    return facts_of(header_of(encode_gguf(model_metadata(architecture, **metadata), ONE_TENSOR)))


def found(name: str, *folders: str, size: int = 100) -> FoundFile:
    """Return a file as a walk of ``/models`` would find it."""
    return FoundFile(Path("/models", *folders, name), folders, size, 1)
