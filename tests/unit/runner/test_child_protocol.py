from __future__ import annotations

from hypothesis import given

from llama_runner.runner.child_protocol import (
    EXIT_LINE,
    ChildLoading,
    ChildReady,
    ChildSleeping,
    Message,
    MessageReader,
)
from tests.support.cuts import anywhere, cut

# As build b11434 prints them, with a line of another make in between.
STREAM = (
    b'cmd_child_to_router:state:{"state":"loading","payload":{"stages":["text_model",'
    b'"mmproj_model"],"current":"text_model","value":0.5}}\n'
    b"build: 11434 (0123456)\r\n"
    b'cmd_child_to_router:state:{"state":"loading","payload":{"stage":"mmproj_model"}}\n'
    b'cmd_child_to_router:state:{"state":"ready","payload":{"id":"smol","meta":{"n_ctx":4096}}}\n'
    b'cmd_child_to_router:state:{"state":"sleeping"}\n'
    b"no newline at the end"
)
MESSAGES: list[Message] = [
    ChildLoading(0.25),
    ChildLoading(None),
    ChildReady({"id": "smol", "meta": {"n_ctx": 4096}}),
    ChildSleeping(),
]


def read(pieces: list[bytes]) -> tuple[list[Message], bytes]:
    reader = MessageReader()
    heard = [*map(reader.feed, pieces), reader.end()]
    return [message for part in heard for message in part.messages], b"".join(
        part.plain for part in heard
    )


@given(anywhere(len(STREAM)))
def test_messages_do_not_depend_on_where_the_bytes_are_cut(places):
    messages, plain = read(cut(STREAM, places))

    assert messages == MESSAGES
    assert plain == b"build: 11434 (0123456)\r\nno newline at the end\n"


def test_the_last_stage_is_done_at_one():
    line = (
        b'cmd_child_to_router:state:{"state":"loading","payload":'
        b'{"stages":["text_model"],"current":"text_model","value":1.0}}\n'
    )

    assert read([line])[0] == [ChildLoading(1.0)]


def test_what_does_not_follow_the_form_is_ordinary_output():
    odd = (
        b"cmd_child_to_router:state:{not json}\n"
        b"cmd_child_to_router:state:[1]\n"
        b'cmd_child_to_router:state:{"state":"dancing","payload":{}}\n'
        b"cmd_child_to_router:other:{}\n"
        b'> cmd_child_to_router:state:{"state":"ready"}\n'
        b"cmd_child_to_router:state:\xff\xfe\n"
    )

    assert read([odd]) == ([], odd)


def test_progress_of_an_unknown_form_is_no_progress():
    line = (
        b'cmd_child_to_router:state:{"state":"loading","payload":'
        b'{"stages":[],"current":"x","value":7}}\n'
    )

    assert read([line])[0] == [ChildLoading(1.0)]


def test_the_exit_line_is_one_line():
    assert EXIT_LINE.endswith(b"\n")
    assert EXIT_LINE.count(b"\n") == 1
