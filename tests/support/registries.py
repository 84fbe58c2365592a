"""Ollama's registry and Hugging Face, as far as their protocols go, on a server of a test's own."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tests.support.model_server import ModelServer, Told

LAYER = "application/vnd.ollama.image."


def digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def add_registry_model(server: ModelServer, name: str, tag: str, **layers: bytes) -> list[str]:
    """Have the server hold a model; return the digests of its layers."""
    listed: list[dict[str, Any]] = []
    for kind, data in layers.items():
        server.files[f"/v2/{name}/blobs/{digest(data)}"] = data
        listed.append({"mediaType": LAYER + kind, "digest": digest(data), "size": len(data)})
    config = b'{"model_format":"gguf"}'
    server.files[f"/v2/{name}/blobs/{digest(config)}"] = config
    told = {"mediaType": "application/json", "digest": digest(config), "size": len(config)}
    manifest = {"schemaVersion": 2, "config": told, "layers": listed}
    server.told[f"/v2/{name}/manifests/{tag}"] = Told(200, manifest)
    return [each["digest"] for each in listed]


def add_repository(server: ModelServer, name: str, files: dict[str, bytes], page: int = 3) -> None:
    """Have the server hold a repository, whose list comes in pages."""
    listed: list[dict[str, Any]] = []
    for path, data in files.items():
        server.files[f"/{name}/resolve/main/{path}"] = data
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
        if path.endswith(".gguf"):
            entry["lfs"] = {"oid": sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        listed.append(entry)
    base = f"/api/models/{name}/tree/main?recursive=true"
    for start in range(0, max(len(listed), 1), page):
        path = base + (f"&cursor={start}" if start else "")
        more = {"link": f'<{server.base}{base}&cursor={start + page}>; rel="next"'}
        last = start + page >= len(listed)
        server.told[path] = Told(200, listed[start : start + page], {} if last else more)
