"""Launches of real small processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from secrets import token_urlsafe

from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port

SMALL_CHILD = Path(__file__).with_name("small_child.py")


def small_launch(*options: str, ready_within: float = 60) -> Launch:
    """Return a launch of the small child with these options."""
    # A key of its own: what bears it is killed with the launch.
    port, key = free_port(), token_urlsafe(16)
    return Launch(
        command=(sys.executable, str(SMALL_CHILD), "--port", str(port), *options),
        environment={**os.environ, "LLAMA_API_KEY": key},
        port=port,
        api_key=key,
        ready_within=ready_within,
        name="small",
    )
