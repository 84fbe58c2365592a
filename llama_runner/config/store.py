"""The ``store`` part of app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import AddressText, SecretText
from llama_runner.config.setting import documented


@frozen(kw_only=True)
class StoreConfig:
    """Where models are fetched from, which is done only when somebody asks for one."""

    registry: AddressText = field(
        default="https://registry.ollama.ai",
        metadata=documented("The registry of models that are named without a host."),
    )
    hugging_face: AddressText = field(
        default="https://huggingface.co",
        metadata=documented("Hugging Face, or a mirror of it, for names that begin with `hf.co/`."),
    )
    hugging_face_token: SecretText | None = field(
        default=None,
        repr=False,
        metadata=documented(
            "The token for gated and private models, sent to `store.hugging_face` alone; without "
            "it `HF_TOKEN` is taken, else the token file of Hugging Face's own tools."
        ),
    )
