"""What goes wrong when bytes are not the message they claim to be."""

from __future__ import annotations

from llama_runner.errors import LlamaRunnerError


class FramingError(LlamaRunnerError):
    """The other side's bytes do not follow the protocol.

    Nothing that follows on the connection can be trusted: whoever catches
    this closes it.
    """
