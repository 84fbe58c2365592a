"""Reads requests to ``/api/create``: what a model is to be made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from attrs import frozen

from llama_runner.catalog.go_to_jinja import NotTranslated, is_jinja, jinja_of
from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.blob_routes import digest_in
from llama_runner.facades.ollama.go_json import ANY, ListOf, Struct
from llama_runner.facades.ollama.managing_routes import name_of
from llama_runner.facades.ollama.options import read_options
from llama_runner.store.pull_name import PullName
from llama_runner.store.remote_model import Role
from llama_runner.wire.body import Body

_MESSAGE = Struct("Message", {"role": "string", "content": "string"})
CREATE_REQUEST = Struct(
    "CreateRequest",
    {
        **{"model": "string", "name": "string", "stream": "bool", "from": "string"},
        **{"files": "object", "adapters": "object", "template": "string", "system": "string"},
        **{"parameters": "object", "messages": ListOf(_MESSAGE), "license": ANY},
        **{"quantize": "string", "quantization": "string", "draft_files": "object"},
    },
)
NEITHER = "neither 'from' or 'files' was specified"
"""In Ollama's words."""


@frozen
class CreateRequest:
    """What is asked for; ``files`` and ``adapters`` are sha256s by the names clients have."""

    name: PullName
    streams: bool
    base: str
    files: Mapping[str, str]
    adapters: Mapping[str, str]
    texts: Mapping[Role, str]
    parameters: Mapping[str, Any]
    template: str

    @property
    def chat_template(self) -> str | None:
        """The template that was told, in Jinja; None if none was.

        Raises:
            BadRequest: it cannot be said in Jinja.

        """
        if not self.template:
            return None
        try:
            return self.template if is_jinja(self.template) else jinja_of(self.template)
        except NotTranslated as error:
            message = f"template: {error} is not known here; expected Jinja, or Go with"
            raise BadRequest(
                f"{message} .System, .Prompt, .Response, if, else and end only"
            ) from None


def read_create_request(body: Body) -> CreateRequest:
    """Return what a body says.

    Raises:
        BadRequest: in Ollama's words, where it has any.

    """
    asked = CREATE_REQUEST.read(body)
    for wish in ("quantize", "quantization", "draft_files"):
        if asked.get(wish):
            raise BadRequest(f"{wish}: cannot be done here; expected files that are as wanted")
    name = name_of(asked.get("model") or asked.get("name") or "", "invalid model name")
    base = asked.get("from", "")
    files = dict(_digests(asked.get("files", {}), "files"))
    if not (base or files):
        raise BadRequest(NEITHER)
    return CreateRequest(
        name,
        asked.get("stream", True),
        base,
        {} if base else files,
        dict(_digests(asked.get("adapters", {}), "adapters")),
        _texts(asked),
        _parameters(asked.get("parameters", {})),
        asked.get("template", ""),
    )


def _digests(files: Mapping[str, Any], field: str) -> Iterator[tuple[str, str]]:
    for name, digest in files.items():
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts or ":" in name:
            raise BadRequest("file path must be relative")
        if not isinstance(digest, str):
            raise BadRequest(f"{field}: {name}: expected a digest")
        yield name, digest_in(digest)


def _texts(asked: Mapping[str, Any]) -> dict[Role, str]:
    texts = {}
    if asked.get("system"):
        texts[Role.SYSTEM] = asked["system"]
    if messages := asked.get("messages"):
        texts[Role.MESSAGES] = json.dumps(
            [
                {"role": each.get("role", ""), "content": each.get("content", "")}
                for each in messages
            ]
        )
    if license_ := asked.get("license"):
        each = license_ if isinstance(license_, list) else [license_]
        if not all(isinstance(text, str) for text in each):
            raise BadRequest("license: expected a text, or a list of texts")
        texts[Role.LICENSE] = "\n".join(each)
    return texts


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return read_options(parameters)
    except BadRequest as error:
        raise BadRequest(str(error)) from None
