"""The command line of one llama-server: every flag that matters, said explicitly.

Defaults move between engine builds (slots, prompt cache, port, web UI), so
none is relied on. What a user sets for a model replaces our default of the
same name; what belongs to us (address, key, alias) is refused where the
configuration is read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe

from llama_runner.catalog.card import ModelCard, ModelKind
from llama_runner.config.models import ModelConfig
from llama_runner.errors import StartFailed
from llama_runner.runner.engine import Engine, EngineKind
from llama_runner.runner.environment import child_environment
from llama_runner.runner.flags import EMBEDDED_PARAMETERS, FIXED, POOLING, Scalar, canonical, words
from llama_runner.runner.launch import Launch

HOST = "127.0.0.1"

DEFAULT_SLOTS = 2
# A slot's context: the trained one, within reason. An untold 128k context
# would reserve gigabytes for a chat of two lines.
LARGEST_DEFAULT_CONTEXT = 8192
UNTOLD_CONTEXT = 4096
# A client that leaves during prefill is noticed between two batches, so a
# batch bounds that wait. Below 128 tokens a CPU loses speed, above it gains none.
DEFAULT_BATCH = 128
LARGEST_DEFAULT_MICRO_BATCH = 512

# Windows takes 32,767 characters; the same setup must not fail only there.
LONGEST_COMMAND_LINE = 32_000


def build_command(
    engine: Engine,
    key: str,
    card: ModelCard,
    config: ModelConfig,
    *,
    port: int,
    slot_folder: Path | None = None,
) -> tuple[str, ...]:
    """Return the argv that serves this model on this port, its slots saved in ``slot_folder``.

    Raises:
        StartFailed: the parameters cannot be passed to this engine.
    """
    chosen = canonical(config.parameters)
    if engine.kind is EngineKind.EMBEDDED:
        _refuse_unknown(chosen)
    # Nothing said takes the one found beside the model, an empty text none.
    projector = card.mmproj if config.mmproj is None else config.mmproj
    command = (
        *engine.command,
        *("--model", str(card.path)),
        *(("--mmproj", str(projector)) if projector else ()),
        # The engine splits this value at commas into several names.
        *("--alias", key.replace(",", "_")),
        *("--host", HOST, "--port", str(port)),
        *(("--slot-save-path", str(slot_folder)) if slot_folder is not None else ()),
        *FIXED,
        *(word for setting in settings(card, chosen).items() for word in words(*setting)),
    )
    _refuse_too_long(command)
    return command


def build_launch(
    engine: Engine,
    key: str,
    card: ModelCard,
    config: ModelConfig,
    *,
    port: int,
    inherited: Mapping[str, str],
    ready_within: float = 300.0,
    slot_folder: Path | None = None,
) -> Launch:
    """Return everything needed to start this model, with an API key of its own.

    ``inherited`` is our own environment, of which the child gets what it needs.

    Raises:
        StartFailed: the parameters cannot be passed to this engine.
    """
    asked = settings(card, canonical(config.parameters))
    api_key = token_urlsafe(32)
    return Launch(
        command=build_command(engine, key, card, config, port=port, slot_folder=slot_folder),
        environment={
            **child_environment(inherited, api_key=api_key, platform=sys.platform),
            **engine.environment,
        },
        host=HOST,
        port=port,
        api_key=api_key,
        slots=int(asked["parallel"]),
        context_length=int(asked["ctx-size"]) or None,
        ready_within=ready_within,
        name=key,
    )


def settings(card: ModelCard, chosen: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return every adjustable setting: our defaults for this model, then what was chosen."""
    slots = slot_count(chosen)
    context = _whole("ctx-size", chosen.get("ctx-size", slots * default_context(card)), least=0)
    defaults: dict[str, Scalar] = {
        "parallel": slots,
        "ctx-size": context,
        "kv-unified": False,
        # The engine's prompt cache in RAM can hand one conversation's content
        # to another, so it stays off until a build without that fault is known.
        "cache-ram": 0,
        # Idle slots would be moved out and their prompts forgotten.
        "cache-idle-slots": False,
        # Arguments would be adjusted behind our back to the memory that is free.
        "fit": False,
        "context-shift": False,
        "jinja": True,
        **_batches(card, chosen, context // slots or card.context_length),
        **_purpose(card),
    }
    return defaults | dict(chosen)


def slot_count(chosen: Mapping[str, Scalar]) -> int:
    """Return how many requests the child decodes in parallel."""
    return _whole("parallel", chosen.get("parallel", DEFAULT_SLOTS), least=1)


def default_context(card: ModelCard) -> int:
    """Return one slot's context where the configuration chose none."""
    told = card.origin.context
    if told is not None:
        return min(told, card.context_length or told)
    return min(card.context_length or UNTOLD_CONTEXT, LARGEST_DEFAULT_CONTEXT)


def _batches(card: ModelCard, chosen: Mapping[str, Scalar], context: int) -> dict[str, Scalar]:
    if _pools(card, chosen):
        # An input to embed must fit one batch: the engine refuses to split it.
        whole = context or UNTOLD_CONTEXT
        return {"batch-size": whole, "ubatch-size": whole}
    batch = _whole("batch-size", chosen.get("batch-size", DEFAULT_BATCH), least=1)
    return {"batch-size": batch, "ubatch-size": min(batch, LARGEST_DEFAULT_MICRO_BATCH)}


def _pools(card: ModelCard, chosen: Mapping[str, Scalar]) -> bool:
    asked = any(bool(chosen.get(name)) for name in ("embedding", "rerank"))
    return asked or card.kind in (ModelKind.EMBEDDING, ModelKind.RERANK)


def _purpose(card: ModelCard) -> dict[str, Scalar]:
    match card.kind:
        case ModelKind.EMBEDDING:
            pooling = POOLING.get(card.pooling or 0)
            return {"embedding": True, **({"pooling": pooling} if pooling else {})}
        case ModelKind.RERANK:
            return {"rerank": True}
        case _:
            return {}


def _whole(name: str, value: Scalar, *, least: int) -> int:
    try:
        number = int(value)
    except (ValueError, OverflowError):
        number = least - 1
    if isinstance(value, bool) or number < least or number != float(value):
        raise StartFailed(f"parameters.{name}: expected a whole number from {least}, got {value!r}")
    return number


def _refuse_unknown(chosen: Mapping[str, Scalar]) -> None:
    unknown = sorted(set(chosen) - EMBEDDED_PARAMETERS)
    if unknown:
        names = ", ".join(unknown)
        raise StartFailed(f"the embedded engine does not take {names}; a llama-server may")


def _refuse_too_long(command: tuple[str, ...]) -> None:
    length = sum(len(word) + 3 for word in command)
    if length > LONGEST_COMMAND_LINE:
        longest = max(range(len(command)), key=lambda index: len(command[index]))
        raise StartFailed(
            f"the command line has {length} characters, more than {LONGEST_COMMAND_LINE}; "
            f"the value of {command[longest - 1]} is the longest: put it into a file"
        )
