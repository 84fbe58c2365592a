"""Launches of real small processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port

SMALL_CHILD = Path(__file__).with_name("small_child.py")
KEY = "the key of this launch"


def small_launch(*options: str, ready_within: float = 60) -> Launch:
    """Return a launch of the small child with these options."""
    port = free_port()
    return Launch(
        command=(sys.executable, str(SMALL_CHILD), "--port", str(port), *options),
        environment={**os.environ, "LLAMA_API_KEY": KEY},
        port=port,
        api_key=KEY,
        ready_within=ready_within,
        name="small",
    )
