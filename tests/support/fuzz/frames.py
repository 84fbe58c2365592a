"""Websocket frames, fine and broken (RFC 6455, section 5)."""

from __future__ import annotations

import struct
from random import Random

OPCODES = (*(0, 1, 1, 1, 2, 2, 8, 9, 10), *(3, 7, 11, 15))
CLOSES = (
    b"",
    b"\x03\xe8",
    b"\x03\xe8bye",
    b"\x00\x00",
    b"\x03",
    b"\x03\xed",
    b"\x03\xe8\xff",
    b"\xff\xff",
)
LENGTHS = (0, 0, 1, 5, 125, 126, 200, 65536)


def frames(chance: Random) -> bytes:
    """Return some frames, or what is nearly that."""
    data = b"".join(_frame(chance) for _ in range(chance.randint(1, 6)))
    if chance.random() < 0.2:
        data += chance.randbytes(chance.randint(1, 60))
    return data[: chance.randint(0, len(data))] if chance.random() < 0.2 else data


def _frame(chance: Random) -> bytes:
    opcode = chance.choice(OPCODES)
    payload = (
        chance.choice(CLOSES)
        if opcode == 8
        else chance.choice((b"a", b"\xff")) * (chance.choice(LENGTHS))
    )
    begins = 0x80 if chance.random() < 0.8 else 0  # the last frame of its message
    reserved = chance.choice((0x40, 0x20, 0x10)) if chance.random() < 0.1 else 0
    return bytes([begins | reserved | opcode]) + _masked(chance, payload)


def _masked(chance: Random, payload: bytes) -> bytes:
    masks = chance.random() < 0.9
    length = _length(chance, len(payload), 0x80 if masks else 0)
    if not masks:
        return length + payload
    mask = chance.randbytes(4)
    repeated = mask * (len(payload) // 4 + 1)
    return length + mask + bytes(a ^ b for a, b in zip(payload, repeated, strict=False))


def _length(chance: Random, length: int, bit: int) -> bytes:
    if chance.random() < 0.03:
        return bytes([bit | 127]) + struct.pack("!Q", chance.choice((1 << 63, 1 << 40, 3)))
    if length > 65535:
        return bytes([bit | 127]) + struct.pack("!Q", length)
    if length > 125 or chance.random() < 0.03:  # a longer form than needed is an error too
        return bytes([bit | 126]) + struct.pack("!H", length)
    return bytes([bit | length])
