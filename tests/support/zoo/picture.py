"""An image for the model that sees."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

_SIDE = 32
_COLOUR_OF_8_BITS = (8, 2)


def picture(red: int, green: int, blue: int) -> str:
    """Return the data URL of a PNG that is of one colour (W3C, PNG, 5 and 11.2)."""
    row = b"\0" + bytes((red, green, blue)) * _SIDE
    size = struct.pack(">IIBBBBB", _SIDE, _SIDE, *_COLOUR_OF_8_BITS, 0, 0, 0)
    chunks = (b"IHDR", size), (b"IDAT", zlib.compress(row * _SIDE)), (b"IEND", b"")
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return "data:image/png;base64," + b64encode(png).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
