from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.concurrency.turns import in_turns
from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.images import media_part
from llama_runner.wire.long_strings import STEP, part

HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP",
}


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.mark.parametrize(("kind", "head"), HEADS.items())
def test_an_image_is_told_by_its_first_bytes(kind: str, head: bytes) -> None:
    image = encoded(head + bytes(50))
    part = {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{image}"}}
    assert media_part(image, {}) == part


@pytest.mark.parametrize(
    ("head", "form"),
    [(b"RIFF\x00\x00\x00\x00WAVE", "wav"), (b"ID3\x04", "mp3"), (b"\xff\xfb\x90", "mp3")],
)
def test_a_sound_is_told_by_its_first_bytes(head: bytes, form: str) -> None:
    sound = encoded(head + bytes(50))
    told = media_part(sound, {})
    assert told == {"type": "input_audio", "input_audio": {"data": sound, "format": form}}


@given(st.binary(min_size=1))
def test_whatever_is_base64_is_taken(data: bytes) -> None:
    assert encoded(data) in str(media_part(encoded(data), {}))


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("data:image/png;base64,AAAA", 4),
        ("http://localhost/x.png", 4),
        ("AAA*", 3),
        ("AAAAA", 5),
        ("", 0),
    ],
)
def test_anything_else_is_refused_and_never_fetched(image: str, place: int) -> None:
    with pytest.raises(BadRequest, match=f"^illegal base64 data at input byte {place}$"):
        media_part(image, {})


async def test_of_a_large_image_the_beginning_tells_what_it_is() -> None:
    image = encoded(HEADS["image/jpeg"] + bytes(3 * STEP))
    parted = await in_turns(part(f'"{image}"'.encode(), STEP))
    told: Any = media_part(parted.text[1:-1].decode(), parted.aside)
    assert told["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
