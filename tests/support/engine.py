"""A real engine for the tests, started as the program would start it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import orjson
from attrs import frozen

# Plain and small: two slots, prompts read 64 tokens at a time, nothing remembered; one thread,
# because two wait for each other where others use the cores too.
_FLAGS = (
    *("--parallel", "2", "--ctx-size", "4096", "--batch-size", "64", "--ubatch-size", "64"),
    *("--cache-ram", "0", "--fit", "off", "--no-cache-idle-slots", "--sse-ping-interval", "-1"),
    *("--no-ui", "--offline", "--no-agent", "--jinja", "--alias", "chat", "--threads", "1"),
)
_STATE = "cmd_child_to_router:state:"
_EXIT = "cmd_router_to_child:exit\n"


@frozen
class Answers:
    """Asks one engine."""

    _client: httpx.Client

    def whole(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        """Return the answer to a request that is not streamed."""
        return self._client.post(path, json={**fields, "stream": False})

    def streamed(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        """Return the answer to a streamed request, received in full."""
        return self._client.post(path, json={**fields, "stream": True})


@contextmanager
def running_engine(
    command: Sequence[str], model: Path, template: Path, log: Path
) -> Iterator[Answers]:
    """Run the engine until the block is left; ``log`` takes what it says."""
    port, key = _free_port(), secrets.token_hex(16)
    argv = [*command, "--model", str(model), "--host", "127.0.0.1", "--port", str(port), *_FLAGS]
    argv += ["--chat-template", template.read_text("utf-8")]
    # Without a router's port the engine does not say on stdout when it is ready.
    environment = {name: value for name, value in os.environ.items() if "LLAMA_" not in name}
    environment |= {"LLAMA_API_KEY": key, "LLAMA_SERVER_ROUTER_PORT": "1"}
    with log.open("wb") as stderr:
        with subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            text=True,
        ) as process:
            try:
                _await_ready(process, log)
                headers = {"authorization": f"Bearer {key}"}
                with httpx.Client(
                    base_url=f"http://127.0.0.1:{port}",
                    headers=headers,
                    timeout=120,
                    # The engine hangs up on idle connections just when one asks again.
                    limits=httpx.Limits(max_keepalive_connections=0),
                    trust_env=False,
                ) as client:
                    yield Answers(client)
                process.communicate(_EXIT, timeout=10)
            finally:
                process.kill()


def _await_ready(process: subprocess.Popen[str], log: Path) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(_STATE) and orjson.loads(line[len(_STATE) :])["state"] == "ready":
            return
    raise RuntimeError(f"the engine did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
