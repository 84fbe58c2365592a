"""The forms that values of the configuration files take."""

from __future__ import annotations

from typing import Annotated, Any

from llama_runner.config.constraint import AnyJson, Number, OneOf, Text, WholeNumber

_DAY = 86_400
_GIBIBYTE = 1024**3

Port = Annotated[int, WholeNumber(1, 65_535)]
Count = Annotated[int, WholeNumber(1, 1_000_000)]
ByteCount = Annotated[int, WholeNumber(1, 1024 * _GIBIBYTE)]
BufferSize = Annotated[int, WholeNumber(4096, _GIBIBYTE)]
# A time in which something must happen can be short, but never nothing.
Seconds = Annotated[float, Number(above=0, maximum=_DAY)]
SecondsOrNone = Annotated[float, Number(minimum=0, maximum=_DAY)]

LogLevel = Annotated[str, OneOf(("DEBUG", "INFO", "WARNING", "ERROR"))]

# A control character in a path is nearly always one lone backslash: "F:\new".
PathText = Annotated[
    str,
    Text(
        'a path without control characters (in JSON each backslash is written twice: "F:\\\\llm")',
        r"[^\u0000-\u001f]*",
    ),
]
Name = Annotated[
    str,
    Text(
        "a name without spaces at its ends",
        r"[^\u0000-\u0020](?:[^\u0000-\u001f]*[^\u0000-\u0020])?",
    ),
]
HOST = Text(
    "a host name or an IP address, without scheme and port",
    r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*",
)
HostText = Annotated[str, HOST]
OriginText = Annotated[
    str,
    Text(
        "an origin such as http://localhost:3000, without a path",
        r"[a-z][a-z0-9+.-]*://[^\u0000-\u0020/?#]+",
    ),
]
AddressText = Annotated[
    str,
    Text(
        "an address such as https://huggingface.co, without a slash at its end",
        r"https?://[^\u0000-\u0020/?#]+(?:/[^\u0000-\u0020/?#]+)*",
    ),
]
SecretText = Annotated[
    str,
    Text("at least 8 visible ASCII characters without spaces", r"[!-~]{8,}", secret=True),
]
JsonValue = Annotated[Any, AnyJson()]
