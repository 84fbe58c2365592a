"""The ``slot_archive`` part of app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import ByteCount, Seconds
from llama_runner.config.setting import documented


@frozen(kw_only=True)
class SlotArchiveConfig:
    """What of the prompts is kept on disk while their model is not loaded."""

    enabled: bool = field(
        default=True,
        metadata=documented(
            "Whether what a model has read of prompts is saved in the state folder when it is "
            "unloaded, and restored when it is loaded again."
        ),
    )
    max_bytes: ByteCount = field(
        default=4_294_967_296,
        metadata=documented("Bytes that are kept; what was not used for longest goes first."),
    )
    save_within: Seconds = field(
        default=5.0,
        metadata=documented("Seconds that saving may hold up the end of a model."),
    )
