"""Ollama's port as a test scripts it, in a thread, and the note by which commands find it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from attrs import define, field

from llama_runner.commands.running import claimed

SHOWN: Mapping[str, Any] = {
    "capabilities": ["completion", "vision"],
    "details": {"parameter_size": "134.52M", "quantization_level": "Q8_0"},
    "license": "Apache License\nVersion 2.0\n\nmany words",
    "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
    "modelfile": "FROM x",
    "parameters": 'stop                           "a"\nstop                           "b"',
    "system": "You are brief.",
    "template": "{{ .Prompt }}",
}
TAGS = {"models": [{"name": "smollm2:135m"}, {"name": "mistral:latest"}]}


@define(eq=False)
class ScriptedOllama:
    """Answers each path with a status and lines, and keeps what it was asked."""

    answers: dict[str, tuple[int, Sequence[Any]]] = field(
        factory=lambda: {"/api/show": (200, [SHOWN]), "/api/tags": (200, [TAGS])}
    )
    asked: list[tuple[str, str, Any]] = field(factory=list, init=False)
    keys: list[str | None] = field(factory=list, init=False)

    def bodies(self, path: str) -> list[Any]:
        """Return what was posted to a path."""
        return [body for _, where, body in self.asked if where == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("Content-Length") or 0)
        content = handler.rfile.read(length)
        body = json.loads(content) if content else None
        self.asked.append((handler.command, handler.path, body))
        self.keys.append(handler.headers.get("Authorization"))
        status, lines = self.answers.get(handler.path, (404, ["404 page not found"]))
        handler.send_response(status)
        handler.end_headers()
        for line in lines:
            text = line if isinstance(line, str) else json.dumps(line)
            handler.wfile.write(text.encode() + b"\n")


@contextmanager
def scripted_ollama(state: Path) -> Iterator[ScriptedOllama]:
    """Serve, noted in the state folder, while the block lasts."""
    script = ScriptedOllama()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script.answer(self)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(1) as worker:
        worker.submit(server.serve_forever, 0.01)
        try:
            with claimed(state, "a key") as claim:
                claim.note({"ollama": f"http://127.0.0.1:{server.server_port}"})
                yield script
        finally:
            server.shutdown()
