"""A small program that poses as llama-server, run as a child process by the tests.

It speaks the child protocol, answers /health and /props, and misbehaves on request.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from functools import partial

import trio

LOADING = (
    '{"state":"loading","payload":{"stages":["text_model"],"current":"text_model","value":0.5}}'
)
# An orphan's parent, our child, has ended by the time that it is known.
GRANDCHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1] == "orphan" and (orphan := os.fork()):
    print("grandchild", orphan, file=sys.stderr, flush=True)
    sys.exit()
time.sleep(600)
"""
PLACES = ("member", "group", "session", "orphan")
GARBAGE = b"\xff\xfe half a character: \xe2\x82\n\x00\x80\n"
READY = '{"state":"ready","payload":{"id":"small"}}'


def main() -> None:
    options = _options()
    if options.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in options.print:
        print(line, file=sys.stderr, flush=True)
    if options.garbage:
        sys.stdout.buffer.write(GARBAGE)
        sys.stderr.buffer.write(GARBAGE)
    if options.flood:
        _flood(options.flood)
    for leaver in options.start:
        _start(leaver)
    trio.run(partial(_live, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--loads-for", type=float, default=0.0)
    parser.add_argument("--exits-after", type=float, default=float("inf"))
    parser.add_argument("--exit-code", type=int, default=0)
    parser.add_argument("--stop-takes", type=float, default=0.0)
    parser.add_argument("--print", action="append", default=[])
    parser.add_argument("--flood", type=int, default=0, help="MiB on stderr before loading")
    parser.add_argument("--garbage", action="store_true", help="invalid UTF-8 on both streams")
    parser.add_argument("--closes", action="store_true", help="close both streams when loaded")
    parser.add_argument("--silent", action="store_true", help="no child protocol")
    parser.add_argument("--deaf", action="store_true", help="ignore SIGTERM, stdin and its end")
    parser.add_argument("--start", action="append", default=[], choices=PLACES)
    return parser.parse_args()


def _flood(mebibytes: int) -> None:
    block = (b"x" * 127 + b"\n") * 8192
    for _ in range(mebibytes):
        sys.stderr.buffer.write(block)
    sys.stderr.buffer.flush()


def _start(place: str) -> None:
    """Start a grandchild that ignores SIGTERM: in our group, or in a place of its own."""
    grandchild = subprocess.Popen(
        [sys.executable, "-S", "-c", GRANDCHILD, place],
        stdin=subprocess.DEVNULL,
        process_group=0 if place == "group" else None,
        start_new_session=place in ("session", "orphan"),
    )
    if place == "orphan":
        grandchild.wait()
    else:
        print(f"grandchild {grandchild.pid}", file=sys.stderr, flush=True)


def _close_streams() -> None:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)


async def _live(options: argparse.Namespace) -> None:
    loaded = trio.Event()
    with trio.move_on_after(options.exits_after):
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_tcp, partial(_answer, loaded), options.port)
            _say(options, LOADING)
            await trio.sleep(options.loads_for)
            loaded.set()
            _say(options, READY)
            if options.closes:
                _close_streams()
            nursery.start_soon(_heed, options)
    os._exit(options.exit_code)


def _say(options: argparse.Namespace, state: str) -> None:
    if not options.silent:
        print(f"cmd_child_to_router:state:{state}", flush=True)


async def _heed(options: argparse.Namespace) -> None:
    if options.deaf:
        return
    line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    if line == "cmd_router_to_child:exit\n":
        await trio.sleep(options.stop_takes)
        os._exit(0)
    os._exit(1)


async def _answer(loaded: trio.Event, stream: trio.SocketStream) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        received = await stream.receive_some()
        if not received:
            return
        head += received
    status = "200 OK" if loaded.is_set() else "503 Service Unavailable"
    key = f"authorization: bearer {os.environ.get('LLAMA_API_KEY', '')}\r\n".lower()
    if b" /health " not in head and key not in head.decode().lower():
        status = "401 Unauthorized"
    body = b"{}"
    await stream.send_all(
        f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )


if __name__ == "__main__":
    main()
