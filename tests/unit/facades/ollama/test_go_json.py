from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.go_json import Struct, first_value

REQUEST = Struct(
    "ShowRequest", {"model": "string", "verbose": "bool", "options": "object", "stay": "any"}
)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"{}", {}),
        (b"null", {}),
        (b'{"model":"a"}', {"model": "a"}),
        (b'{"MODEL":"a","Verbose":true}', {"model": "a", "verbose": True}),
        (b'{"model":"a","Model":"b"}', {"model": "b"}),
        (b'{"model":"a","model":null}', {}),
        (b'{"model":null,"options":null}', {}),
        (b'{"nobody":["knows"],"model":"a"}', {"model": "a"}),
        (b' {"model":"a"} and more', {"model": "a"}),
        (b'{"model":"a"}{"model":"b"}', {"model": "a"}),
        (b'{"stay":[1]}', {"stay": [1]}),
        (b'{"model":"\xff"}', {"model": "\N{REPLACEMENT CHARACTER}"}),
    ],
)
def test_a_request_is_read_as_go_reads_it(body: bytes, fields: dict[str, Any]) -> None:
    assert REQUEST.read(body) == fields


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "missing request body"),
        (b" \n ", "missing request body"),
        (b"{", "unexpected EOF"),
        (b'{"model":"a', "unexpected EOF"),
        (b'{"model"', "unexpected EOF"),
        (b"hello", "invalid character 'h' looking for beginning of value"),
        (b'{"model":NaN}', "invalid character 'N' looking for beginning of value"),
        (b"{model:1}", "invalid character 'm' looking for beginning of object key string"),
        (b'{"model" 1}', "invalid character '1' after object key"),
        (
            b'{"model":7}',
            "json: cannot unmarshal number into Go struct field ShowRequest.model of type string",
        ),
        (
            b'{"VERBOSE":"yes"}',
            "json: cannot unmarshal string into Go struct field ShowRequest.verbose of type bool",
        ),
        (
            b'{"options":[]}',
            "json: cannot unmarshal array into Go struct field ShowRequest.options of type "
            "map[string]interface {}",
        ),
        (b"[]", "json: cannot unmarshal array into Go value of type api.ShowRequest"),
        (b'"x"', "json: cannot unmarshal string into Go value of type api.ShowRequest"),
        (b"[" * 100_000, "exceeded max depth"),
    ],
)
def test_what_cannot_be_read_is_refused_in_its_words(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        REQUEST.read(body)
    assert (str(refused.value), refused.value.status) == (message, 400)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0d8 \n1-.eEtrufalsn', max_size=40))
def test_no_bytes_do_more_than_be_refused(body: bytes | str) -> None:
    data = body if isinstance(body, bytes) else body.encode()
    try:
        fields = REQUEST.read(data)
    except BadRequest as refused:
        assert refused.status == 400 and str(refused)
    else:
        orjson.dumps(fields)  # and it can be told again


@given(
    value=st.dictionaries(st.text(max_size=4), st.integers(-99, 99) | st.text(max_size=4)),
    behind=st.sampled_from(["", "x", "{", '"', " {}"]),
)
def test_what_follows_the_first_value_does_not_count(value: Any, behind: str) -> None:
    assert first_value((json.dumps(value) + behind).encode()) == value
