"""How a log line looks, in a file and on the console."""

from __future__ import annotations

from datetime import datetime

from llama_runner.logs.line import LogLine

_INDENT = "\n    "
_KEPT = "\n\t"
# Whatever moves a terminal's cursor, ends a line for some editor, or turns the
# direction of text: a name that a client sends must not be able to pass for a
# line of ours. Ranges: C0, delete and C1, separators, directions.
_RANGES = ((0x00, 0x20), (0x7F, 0xA0), (0x2028, 0x202F), (0x2066, 0x206A))
_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for start, end in _RANGES
    for code in range(start, end)
    if chr(code) not in _KEPT
}


def file_text(line: LogLine) -> str:
    """Return the line as the files have it, its line end included."""
    when = datetime.fromtimestamp(line.created).isoformat(" ", "milliseconds")
    return f"{when} {line.level:<5} {line.logger} {_body(line)}\n"


def console_text(line: LogLine) -> str:
    """Return the line as the console has it: shorter."""
    when = datetime.fromtimestamp(line.created).isoformat(" ", "seconds").partition(" ")[2]
    return f"{when} {line.level:<5} {_body(line)}\n"


def _body(line: LogLine) -> str:
    text = line.text.replace("\r\n", "\n").rstrip("\n")
    return text.translate(_ESCAPES).replace("\n", _INDENT)
