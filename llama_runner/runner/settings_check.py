"""Whether a child made of its arguments what they say."""

from __future__ import annotations

from collections.abc import Mapping

from llama_runner.runner.launch import Launch

# The engine rounds a context up to a multiple of this.
_PADDING = 256


def differences(launch: Launch, props: Mapping[str, object]) -> tuple[str, ...]:
    """Return one sentence for each setting in which ``/props`` differs from the launch."""
    found = []
    slots = props.get("total_slots")
    if isinstance(slots, int) and slots != launch.slots:
        found.append(f"{launch.slots} slots were asked for, it has {slots}")
    context = _context(props)
    if launch.context_length is not None and context is not None:
        asked = launch.context_length // launch.slots
        if context < asked - _PADDING:
            found.append(f"a context of {asked} for each slot was asked for, it has {context}")
    return tuple(found)


def _context(props: Mapping[str, object]) -> int | None:
    match props:
        case {"default_generation_settings": {"n_ctx": int() as context}}:
            return context
        case _:
            return None
