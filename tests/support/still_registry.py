"""A registry of Ollama's kind that holds one model and never fails, for programs of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LAYER = "application/vnd.ollama.image.model"


@contextmanager
def still_registry(name: str, model: bytes) -> Iterator[str]:
    """Serve ``name:latest`` until the block is left; return the registry's address."""
    files = _files_of(name, model)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path, b"{}")
            ranged = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
            self.send_response((206 if ranged else 200) if self.path in files else 404)
            if ranged:
                begin, end = int(ranged[1]), int(ranged[2] or len(content) - 1)
                self.send_header("content-range", f"bytes {begin}-{end}/{len(content)}")
                content = content[begin : end + 1]
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(1) as worker:
        worker.submit(server.serve_forever)
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _files_of(name: str, model: bytes) -> dict[str, bytes]:
    config = b'{"model_format":"gguf"}'
    repository = f"/v2/library/{name}"
    manifest = {
        "schemaVersion": 2,
        "config": _told("application/json", config),
        "layers": [_told(_LAYER, model)],
    }
    return {
        f"{repository}/manifests/latest": json.dumps(manifest).encode(),
        **{f"{repository}/blobs/{_digest(data)}": data for data in (config, model)},
    }


def _told(kind: str, data: bytes) -> dict[str, str | int]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"
