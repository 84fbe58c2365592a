"""Takes the engine's progress events out of a stream that is passed on (sans I/O)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from attrs import define, field

from llama_runner.relay.dialect import Waiting
from llama_runner.wire.sse import read_data

# It begins with what can be looked for quickly; a CR before it is left to the block.
_blank_line = re.compile(rb"\n\r?\n").search
_LONGEST_BLANK_LINE = 3
_KEY = b'"prompt_progress"'
_EARLY = ("response.created", "response.in_progress")
"""What comes before the prompt is read, and is held back until something does."""
_ITEM_BEGINS = "response.output_item.added"
"""With what the one choice of OpenAI's Responses begins."""
# No event before the first tokens is this long: whatever it is, it is not for us.
_LONGEST_EVENT = 1024 * 1024


@define(eq=False)
class ProgressFilter:
    """Hands on whole events, without progress, until all of ``choices`` have begun.

    Then it is ``done``, and bytes are better passed on without it. We ask the
    engine for progress so that it notices a client that leaves during prefill;
    a client that asked for it too says ``keep``. It comes before a choice's
    first token only, but one choice may wait while another is being told.

    An end behind nothing is left out too: a stream in which neither a choice nor an error
    came is no answer, and so it does not end like one.
    """

    _choices: int
    _keep: bool = field(kw_only=True)
    done: bool = field(default=False, init=False)
    _progress: Mapping[str, Any] = field(factory=dict, init=False)
    _held: bytes = field(default=b"", init=False)
    _begun: set[int] = field(factory=set, init=False)
    _failed: bool = field(default=False, init=False)
    _early: list[bytes] = field(factory=list, init=False)
    _is_early: bool = field(default=False, init=False)

    @property
    def waiting(self) -> Waiting:
        """How far the prompt that was told of last has been read."""
        processed, total = self._progress.get("processed"), self._progress.get("total")
        if not (isinstance(processed, int) and isinstance(total, int)):
            return Waiting()
        return Waiting(processed=processed, total=total)

    def feed(self, data: bytes) -> bytes:
        """Return what of ``data``, and of what was held, the client is to see now."""
        if self.done:
            return data
        searched = max(0, len(self._held) - _LONGEST_BLANK_LINE + 1)
        data = self._held + data
        passed: list[bytes] = []
        start = 0
        while not self.done and (end := _blank_line(data, max(start, searched))):
            if self._passes(data[start : end.start()]):
                self._early.append(data[start : end.end()])
                if not self._is_early:
                    passed += self._early
                    self._early.clear()
            start = end.end()
        if self.done or len(data) - start > _LONGEST_EVENT:
            self.done, self._held = True, b""
            passed += (*self._early, data[start:])
            self._early.clear()
        else:
            self._held = data[start:]
        return b"".join(passed)

    def _passes(self, block: bytes) -> bool:
        self._is_early = False
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
        data = read_data(block)
        if data is None:
            return True
        if data == b"null":
            return False
        if data == b"[DONE]":
            return bool(self._begun or self._failed)
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            return True
        if not isinstance(chunk, dict):
            return True
        if _KEY in data and isinstance(progress := chunk.get("prompt_progress"), dict):
            self._progress = progress
            return self._keep
        self._failed = self._failed or "error" in chunk
        self._note(chunk.get("choices"))
        kind = chunk.get("type")
        self._is_early = kind in _EARLY
        self.done = self.done or kind == _ITEM_BEGINS
        return True

    def _note(self, choices: Any) -> None:
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and isinstance(index := choice.get("index", 0), int):
                self._begun.add(index)
        self.done = len(self._begun) >= self._choices
