"""The shape of ``memory`` in app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import ByteCount
from llama_runner.config.setting import documented


@frozen(kw_only=True)
class MemoryConfig:
    """What of the memory is not for models."""

    reserve_ram: ByteCount = field(
        default=1_073_741_824,
        metadata=documented("Bytes of RAM that stay free when a model is loaded."),
    )
    reserve_gpu: ByteCount = field(
        default=536_870_912,
        metadata=documented("Bytes of each GPU that stay free when a model is loaded."),
    )
