"""Where a model is to be fetched from, by its name: ``[[host/]namespace/]model[:tag]``."""

from __future__ import annotations

import re

from attrs import frozen

from llama_runner.errors import BadRequest

REGISTRY_HOST = "registry.ollama.ai"
NAMESPACE = "library"
TAG = "latest"
_HUGGING_FACE = frozenset({"hf.co", "huggingface.co", "www.huggingface.co"})
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_HF_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_HF_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


@frozen
class PullName:
    """A name with all its parts."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def on_hugging_face(self) -> bool:
        """Whether the host is Hugging Face's."""
        return self.host.lower() in _HUGGING_FACE

    @property
    def in_registry(self) -> bool:
        """Whether it is to be had from Ollama's registry."""
        return self.host.lower() == REGISTRY_HOST

    @property
    def is_official(self) -> bool:
        """Whether it was named without a namespace."""
        return self.namespace == NAMESPACE

    @property
    def repository(self) -> str:
        """The namespace and the model."""
        return f"{self.namespace}/{self.model}"

    @property
    def short(self) -> str:
        """The shortest form with a tag, as models are listed."""
        if not self.in_registry:
            return f"{self.host}/{self.repository}:{self.tag}"
        model = f"{self.model}:{self.tag}"
        return model if self.namespace == NAMESPACE else f"{self.namespace}/{model}"


def read_pull_name(text: str) -> PullName:
    """Return the parts of a name.

    Raises:
        BadRequest: it is none.

    """
    name = re.sub(r"^https?://", "", text.strip())
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        path, tag = name, TAG
    parts = path.split("/")
    given = [REGISTRY_HOST, NAMESPACE][: max(0, 3 - len(parts))] + parts
    if len(given) != 3:
        raise BadRequest("invalid model name")
    host, user, model = given
    found = PullName(host, user, model, tag)
    namespace, part = (_HF_NAMESPACE, _HF_PART) if found.on_hugging_face else (_NAMESPACE, _PART)
    fits = (
        _HOST.fullmatch(found.host)
        and namespace.fullmatch(found.namespace)
        and part.fullmatch(found.model)
        and part.fullmatch(tag)
    )
    if not fits:
        raise BadRequest("invalid model name")
    return found
