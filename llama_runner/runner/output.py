"""Reading a child's pipes: nothing is done here but to read into the log tail."""

from __future__ import annotations

from collections.abc import Callable

import trio
from trio.abc import ReceiveStream

from llama_runner.runner.child_protocol import Heard, Message, MessageReader
from llama_runner.runner.line_blocks import LineBlocks
from llama_runner.runner.log_tail import LogTail

CHUNK = 64 * 1024


async def read_log(stream: ReceiveStream, tail: LogTail) -> None:
    """Keep what comes until the stream ends, then close it."""
    lines = LineBlocks()
    await _read(stream, lambda chunk: tail.append(lines.feed(chunk)))
    tail.append(lines.end())


async def read_messages(
    stream: ReceiveStream, tail: LogTail, hear: Callable[[Message], None]
) -> None:
    """Pass the child protocol's messages on, keep other lines, until the stream ends."""
    messages = MessageReader()

    def take(heard: Heard) -> None:
        tail.append(heard.plain)
        for message in heard.messages:
            hear(message)

    await _read(stream, lambda chunk: take(messages.feed(chunk)))
    take(messages.end())


async def _read(stream: ReceiveStream, take: Callable[[bytes], None]) -> None:
    async with stream:
        try:
            while chunk := await stream.receive_some(CHUNK):
                take(bytes(chunk))
        except trio.BrokenResourceError:
            # Windows says so where POSIX sees the end of the stream.
            return
