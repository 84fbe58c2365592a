from __future__ import annotations

import trio
from trio.testing import memory_stream_one_way_pair

from llama_runner.runner.child_protocol import ChildReady, Message
from llama_runner.runner.log_tail import LogTail
from llama_runner.runner.output import read_log, read_messages


async def test_the_log_is_kept_to_its_last_unfinished_line():
    send, receive = memory_stream_one_way_pair()
    await send.send_all(b"one\ntwo")
    send.close()
    tail = LogTail()

    await read_log(receive, tail)

    assert tail.last(9) == ("one", "two")


async def test_messages_are_passed_on_and_other_lines_kept():
    send, receive = memory_stream_one_way_pair()
    await send.send_all(b'build 1\ncmd_child_to_router:state:{"state":"ready","payload":{}}\nend')
    send.close()
    tail, heard = LogTail(), list[Message]()

    await read_messages(receive, tail, heard.append)

    assert heard == [ChildReady({})]
    assert tail.last(9) == ("build 1", "end")


async def test_a_broken_pipe_is_an_end_too():
    class Broken(trio.abc.ReceiveStream):
        closed = False

        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            raise trio.BrokenResourceError

        async def aclose(self) -> None:
            self.closed = True

    stream = Broken()
    await read_log(stream, LogTail())

    assert stream.closed
