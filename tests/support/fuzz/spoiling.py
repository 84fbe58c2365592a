"""What can be wrong with a request, on each level from its line to its last byte."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.support.fuzz.bodies import SMUGGLED, odd_body
from tests.support.fuzz.oddities import (
    CODINGS,
    FRAMING,
    HEADERS,
    HOSTS,
    LENGTHS,
    LINE_ENDS,
    METHODS,
    ORIGINS,
    SIZES,
    TARGETS,
    TRAILERS,
    UPGRADES,
    VERSIONS,
)
from tests.support.fuzz.requests import HANDSHAKE, RELAYED, Request, frame, pieces_of

Spoil = Callable[[Random, Request], None]


def spoil(chance: Random, request: Request, mark: str) -> None:
    """Change one thing about the request; it is not fine any more, though it may be well-formed."""
    request.fine = False
    if request.method == "POST" and chance.random() < 0.5:
        _spoil_body(chance, request, mark)
    else:
        chance.choice(SPOILS)(chance, request)


def _spoil_body(chance: Random, request: Request, mark: str) -> None:
    path = request.target if request.target in RELAYED else RELAYED[0]
    request.headers = [pair for pair in request.headers if pair[0] not in FRAMING]
    frame(chance, request, odd_body(chance, path, mark))


def _spoil_line(chance: Random, request: Request) -> None:
    match chance.randrange(4):
        case 0:
            request.method = chance.choice(METHODS)
        case 1 | 2:
            request.target = chance.choice(TARGETS)
        case _:
            request.version = chance.choice(VERSIONS)


def _add_header(chance: Random, request: Request) -> None:
    request.headers.insert(_place(chance, request), chance.choice(HEADERS))


def _be_foreign(chance: Random, request: Request) -> None:
    """Come from elsewhere, or want to go there."""
    if chance.random() < 0.5:
        request.headers = [pair for pair in request.headers if pair[0] != "Host"]
        request.headers.append(("Host", chance.choice(HOSTS)))
    else:
        request.headers.append(("Origin", chance.choice(ORIGINS)))


def _change_header(chance: Random, request: Request) -> None:
    if not request.headers:
        return
    place = chance.randrange(len(request.headers))
    name, value = request.headers[place]
    match chance.randrange(6):
        case 0:
            request.headers.pop(place)
        case 1:
            request.headers.insert(_place(chance, request), (name.lower(), value))
        case 2:
            name = name.upper()
        case 3:
            name += chance.choice(" \t\0:\x0b")
        case 4:
            value = chance.choice(
                (f"\r\n {value}", f"{value}\r\n\tX", f"\t {value} \t", f"{value}\n")
            )
        case _:
            value = f"{value}, {value}"
    if place < len(request.headers):
        request.headers[place] = name, value


def _flood_headers(chance: Random, request: Request) -> None:
    number = chance.choice((50, 101, 500, 3000, 20000))
    name = chance.choice(("X", "Cookie", "Connection", "Content-Type", "Accept"))
    request.headers += [(name, "y")] * number


def _change_length(chance: Random, request: Request) -> None:
    length = chance.choice(LENGTHS).format(len(request.payload), len(request.payload))
    kept = [
        pair for pair in request.headers if pair[0] != "Content-Length" or chance.random() < 0.4
    ]
    request.headers = [*kept, (_spelling(chance, "Content-Length"), length)]


def _change_coding(chance: Random, request: Request) -> None:
    kept = [pair for pair in request.headers if pair[0] not in FRAMING or chance.random() < 0.5]
    name = _spelling(chance, "Transfer-Encoding")
    kept.insert(chance.randint(0, len(kept)), (name, chance.choice(CODINGS)))
    request.headers = kept


def _spelling(chance: Random, name: str) -> str:
    odd = (
        f"{name} ",
        f" {name}",
        f"{name}\t",
        name.replace("-", "_"),
        name + "\0",
        f"X: y\n{name}",
    )
    return chance.choice(odd) if chance.random() < 0.2 else chance.choice((name, name.lower()))


def _spoil_chunks(chance: Random, request: Request) -> None:
    body = request.payload
    request.headers = [pair for pair in request.headers if pair[0] not in FRAMING]
    request.headers.append(("Transfer-Encoding", "chunked"))
    chunks, spoilt = b"", chance.randrange(3)
    for number, piece in enumerate([*pieces_of(chance, body), b""]):
        here = number == spoilt
        size = chance.choice(SIZES) if here and chance.random() < 0.7 else "{:x}"
        end = chance.choice(LINE_ENDS) if here and chance.random() < 0.4 else b"\r\n"
        length = len(piece) + (chance.choice((0, 0, 1, -1)) if here else 0)
        chunks += size.format(max(length, 0)).encode("latin-1") + end + piece
        chunks += b"\r\n" if piece else chance.choice(TRAILERS)
    request.payload = chunks


def _hide_another(chance: Random, request: Request) -> None:
    """Put another request where one of two programs might see it."""
    hidden = SMUGGLED.encode()
    match chance.randrange(4):
        case 0:
            request.payload += hidden
        case 1:
            request.payload = b"0\r\n\r\n" + hidden
        case 2:
            request.payload = b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
        case _:
            request.headers.append(("X", "y\r\n\r\n" + SMUGGLED))
    if chance.random() < 0.7:
        request.headers.append(("Content-Length", str(chance.choice((0, 5, len(request.payload))))))
    if chance.random() < 0.5:
        request.headers.insert(0, ("Transfer-Encoding", chance.choice(CODINGS)))


def _want_upgrade(chance: Random, request: Request) -> None:
    request.headers += chance.sample(HANDSHAKE, chance.randint(1, len(HANDSHAKE)))
    name, values = chance.choice(UPGRADES)
    request.headers.insert(_place(chance, request), (name, chance.choice(values)))
    if chance.random() < 0.3:
        request.payload = SMUGGLED.encode()


SPOILS: tuple[Spoil, ...] = (
    *(_spoil_line, _spoil_line, _add_header, _add_header, _change_header, _flood_headers),
    *(_be_foreign, _be_foreign),
    *(_change_length, _change_length, _change_coding, _change_coding, _spoil_chunks, _spoil_chunks),
    *(_hide_another, _hide_another, _want_upgrade),
)


def garble(chance: Random, data: bytes) -> bytes:
    """Change some bytes, wherever they are."""
    for _ in range(chance.randint(1, 4)):
        data = _garbled(chance, data)
    return data


def _garbled(chance: Random, data: bytes) -> bytes:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 1, 1, 2, 10, 200)))
    replaced = (
        b"",
        *(bytes([chance.randrange(256)]), chance.choice(b"\r\n\t :0,;\"'\0").to_bytes(1, "big")),
        *(data[start:end] * 2, chance.choice(LINE_ENDS), chance.randbytes(5)),
        data[start:end].swapcase(),
    )
    return data[:start] + chance.choice(replaced) + data[end:]


def _place(chance: Random, request: Request) -> int:
    return chance.randint(0, len(request.headers))
