"""Measures a scan of many models: ``python -m tests.bench.scan``.

Every file has a vocabulary of its own order and size, so that nothing can be
learnt from one file for the next. ``cold`` has no metadata cache; the files
were written just before, so the disk's own speed is not measured.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from llama_runner.catalog.cache import MetadataCache
from llama_runner.catalog.catalog import build_catalog
from llama_runner.catalog.scanner import scan
from llama_runner.config.models import ModelsConfig
from tests.support.gguf_writer import Encoded, Tensor, Writer, model_metadata, write_gguf

_LAYERS = 32
_TENSORS = tuple(
    Tensor(f"blk.{layer}.{part}.weight", (8,))
    for layer in range(_LAYERS)
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_gate", "ffn_down")
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the files, scan them twice and print both times, on the clock and of the processor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=150_000)
    parser.add_argument("--merges", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        _write(models, options.files, options.tokens, options.merges)
        trio.run(partial(_measure, models, Path(folder) / "state" / "cache.json"))


def _write(models: Path, files: int, tokens: int, merges: int) -> None:
    chance = random.Random(1)
    strings = [_string(chance) for _ in range(max(tokens, merges))]
    for number in range(files):
        first = chance.randrange(len(strings))
        turned = strings[first:] + strings[:first]
        metadata = {"general.file_type": 15} | model_metadata(
            tokenizer__ggml__tokens=_array(8, tokens, b"".join(turned[:tokens])),
            tokenizer__ggml__token_type=_array(5, tokens, bytes(4 * tokens)),
            tokenizer__ggml__merges=_array(8, merges, b"".join(turned[:merges])),
            tokenizer__ggml__eos_token_id=2,
            tokenizer__chat_template="{{ messages }} {% if tools %}" + "x" * 4000,
        )
        name = f"Model-{number}-7B"
        write_gguf(models / f"{name}-GGUF" / f"{name}-Q4_K_M.gguf", metadata, _TENSORS)


def _string(chance: random.Random) -> bytes:
    length = max(1, round(chance.gammavariate(3, 2.2)))
    return Writer().string(bytes(chance.choices(range(33, 127), k=length)))


def _array(kind: int, count: int, content: bytes) -> Encoded:
    writer = Writer()
    return Encoded(9, writer.pack("I", kind) + writer.length(count) + content)


async def _measure(models: Path, cache: Path) -> None:
    for name in ("cold", "cached"):
        clock, processor = time.perf_counter(), time.process_time()
        result = await scan([models], MetadataCache(cache))
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        print(
            f"{name:7}{clock:7.3f} s ({processor:.3f} s of processor time): "
            f"{len(result.cards)} models, {len(result.passed_over)} files passed over"
        )
        begun = time.perf_counter()
        build_catalog(result.cards, ModelsConfig())
    print(f"catalog{time.perf_counter() - begun:7.3f} s")


if __name__ == "__main__":
    main()
