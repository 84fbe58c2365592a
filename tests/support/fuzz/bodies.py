"""JSON bodies for the relay routes, from fine to hostile."""

from __future__ import annotations

import json
from random import Random
from typing import Any

Fields = list[tuple[str, str]]
"""Names and values as JSON text, so that they can be what no JSON library would write."""

SMUGGLED = (
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 64\r\n\r\n"
    '{"model": "a", "messages": [], "user": "smuggled", "stream": true}'
)
TEXTS = (
    *("", "Hi", "é 漢 \U0001f999", '"\\/\b\f\n\r\t', "\0", "\ufeff", "\u2028", "a" * 3000),
    *("data: [DONE]\n\n", '"prompt_progress":{}', "\r\n\r\n0\r\n\r\n" + SMUGGLED, SMUGGLED),
)
DATA = "data:image/png;base64,AAAA"
STRANGE = (
    *("null", "true", "false", "0", "-0", "-1", "1", "2", "0.5", "-0.0", "1e2", "1E-400", "01"),
    *("9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775809"),
    *("1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1" * 400, "1" * 5000, "0x10", "+1", "1."),
    *('""', '"a"', '"stream"', r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', '"\0"', '"\x1f"'),
    *('"\xff"', '"\xed\xa0\x80"', '"\xf4\x90\x80\x80"', r'"\x41"', '"unended', "'single'"),
    *(
        "[]",
        "{}",
        "[null]",
        "[[]]",
        '["a", 1, null]',
        "[1, 2, 3]",
        '{"a": {"b": [0]}}',
        "[",
        "{",
        "",
    ),
    *('{"url": "file:///etc/passwd"}', '"http://127.0.0.1/"', f'"{DATA}"', "undefined", "tru"),
    *('[{"role": "user"}]', '[{"role": "user", "content": null}]', "[1, {}, []]"),
)
NAMES = (
    *("model", "messages", "prompt", "input", "stream", "n", "return_progress", "stream_options"),
    *("query", "documents", "texts", "top_n"),
    *("max_tokens", "temperature", "stop", "seed", "logprobs", "tools", "response_format", "user"),
    *("cache_prompt", "id_slot", "return_tokens", "n_probs", "__proto__", "", "unknown", "é"),
)
MODELS = ("a", "b", "A", "a.gguf", "c", "", " a", "a ", "../a", "a/b", "a:latest", "%61", "é", "\0")
DEPTHS = (2, 100, 250, 253, 254, 255, 256, 400, 900, 1025, 5000)
PART_TYPES = ("text", "image_url", "input_audio", "video_url", "file", "refusal", "", "x")
ADDRESSES = (
    *(DATA, DATA.upper(), " " + DATA, "data:", "http://127.0.0.1/x", "https://example.org/x.png"),
    *("file:///etc/passwd", "FILE:/etc/passwd", "x.png", "", "//x/y", "\0data:", "ftp://x"),
)


def fine_body(chance: Random, path: str, mark: str) -> bytes:
    """Return a body that must be understood and passed on."""
    fields = {"model": chance.choice("ab"), "user": mark, **_task_fields(chance, path)}
    if path not in ("/v1/embeddings", "/v1/rerank"):
        fields |= _generation_fields(chance)
    return json.dumps(fields, ensure_ascii=chance.random() < 0.5).encode()


def odd_body(chance: Random, path: str, mark: str) -> bytes:
    """Return a body that may be anything, mostly nearly JSON."""
    read = json.loads(fine_body(chance, path, mark))
    fields = [(json.dumps(name), json.dumps(value)) for name, value in read.items()]
    if "messages" in read and chance.random() < 0.4:
        _add_part(chance, fields)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        chance.choice(FIELD_CHANGES)(chance, fields)
    text = "{" + ", ".join(f"{name}: {value}" for name, value in fields) + "}"
    # What is not ASCII here stands for single bytes, most of which are no UTF-8.
    body = text.encode("latin-1", "ignore")
    return _change_bytes(chance, body) if chance.random() < 0.3 else body


def _task_fields(chance: Random, path: str) -> dict[str, Any]:
    text = chance.choice(TEXTS)
    if path == "/v1/chat/completions":
        return {"messages": [_message(chance, text) for _ in range(chance.randint(1, 3))]}
    if path == "/v1/rerank":
        return {"query": text, "documents": [text, "b"], "top_n": chance.randint(1, 3)}
    several = chance.random() < 0.3
    return {"input" if path == "/v1/embeddings" else "prompt": [text, "b"] if several else text}


def _message(chance: Random, text: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": DATA}}]
    return {"role": "user", "content": parts if chance.random() < 0.3 else text}


def _generation_fields(chance: Random) -> dict[str, Any]:
    every: dict[str, Any] = {
        "stream": chance.random() < 0.6,
        "n": chance.randint(1, 3),
        "return_progress": chance.random() < 0.5,
        "stream_options": {"include_usage": True},
        "max_tokens": chance.randint(-1, 100),
        "temperature": chance.random(),
        "stop": ["\n"],
        "logprobs": True,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "unknown": {"a": [1, None, {"b": "c"}]},
    }
    names = chance.sample(sorted(every), chance.randint(0, 4))
    return {name: every[name] for name in names}


def _replace_value(chance: Random, fields: Fields) -> None:
    place = chance.randrange(len(fields))
    fields[place] = fields[place][0], _value(chance)


def _repeat_name(chance: Random, fields: Fields) -> None:
    name, value = chance.choice(fields)
    fields.insert(chance.randint(0, len(fields)), (name, chance.choice((value, _value(chance)))))


def _add_field(chance: Random, fields: Fields) -> None:
    name = json.dumps(chance.choice(NAMES)) if chance.random() < 0.9 else chance.choice(STRANGE)
    fields.insert(chance.randint(0, len(fields)), (name, _value(chance)))


def _drop_field(chance: Random, fields: Fields) -> None:
    if len(fields) > 1:
        del fields[chance.randrange(len(fields))]


def _nest(chance: Random, fields: Fields) -> None:
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")))
    depth = chance.choice(DEPTHS)
    value = opening * depth + ("1" if ":" in opening else "") + closing * depth
    fields.append(('"' + chance.choice(NAMES[1:12]) + '"', value))


def _name_model(chance: Random, fields: Fields) -> None:
    fields.append(('"model"', json.dumps(chance.choice(MODELS))))


def _add_part(chance: Random, fields: Fields) -> None:
    kind, name = "image_url", "image_url"
    if chance.random() < 0.4:
        kind, name = chance.choice(PART_TYPES), chance.choice(PART_TYPES)
    address = json.dumps(chance.choice(ADDRESSES))
    key = chance.choice(("url", "url", "url", "file_url", "image_url", "data", "file_id"))
    value = chance.choice((address, address, *[f'{{"{key}": {address}}}'] * 4, _value(chance)))
    part = f'{{"type": "{kind}", "{name}": {value}}}'
    fields.append(('"messages"', f'[{{"role": "user", "content": [{part}]}}]'))


def _count_choices(chance: Random, fields: Fields) -> None:
    fields.append(('"n"', chance.choice(("0", "-1", "128", "1e3", "9223372036854775807", '"2"'))))


FIELD_CHANGES = (
    *(_replace_value, _replace_value, _repeat_name, _add_field, _add_field, _drop_field),
    *(_nest, _name_model, _count_choices),
)


def _value(chance: Random) -> str:
    return chance.choice(STRANGE)


def _change_bytes(chance: Random, body: bytes) -> bytes:
    place = chance.randint(0, len(body))
    return chance.choice(
        (
            b"",
            b" ",
            b"\xef\xbb\xbf" + body,
            body.decode("latin-1").encode("utf-16"),
            body + body,
            body + b"\n",
            body + b"\0",
            body + b",",
            b"[" + body + b"]",
            b"/* */" + body,
            body[:place],
            body[:place] + bytes([chance.randrange(256)]) + body[place:],
            body.replace(b'"', b"'"),
            body.replace(b"}", b",}"),
            b"\x1f\x8b\x08" + body,
            chance.randbytes(chance.randint(1, 300)),
            chance.choice(STRANGE).encode("latin-1"),
        )
    )
