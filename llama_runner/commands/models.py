"""``models``: which models are found, and which files are passed over and why."""

from __future__ import annotations

import json
import sys
from typing import Any

from llama_runner.catalog.cache import MetadataCache
from llama_runner.catalog.catalog import Catalog, build_catalog, configured_files
from llama_runner.catalog.scanner import ScanResult, scan_here
from llama_runner.cli import ExitCode, Options
from llama_runner.commands.preparing import Prepared, prepare


def models(options: Options) -> ExitCode:
    """Print the models, and the files passed over with the reason.

    Raises:
        ConfigError: the configuration is unusable.

    """
    prepared = prepare(options, lambda line: print(line, file=sys.stderr))
    found, catalog = find(prepared)
    if options.json:
        print(json.dumps(_fields(found, catalog)))
    else:
        print("\n".join(_lines(found, catalog)))
    return ExitCode.NORMAL


def find(prepared: Prepared) -> tuple[ScanResult, Catalog]:
    """Return what lies in the model folders and the catalog made of it."""
    configured = prepared.configuration.models
    cache = MetadataCache(prepared.state / "metadata.json")
    files = configured_files(configured)
    found = scan_here(prepared.folders, cache, files=files, others=prepared.others)
    return found, build_catalog(found.cards, configured)


def _fields(found: ScanResult, catalog: Catalog) -> dict[str, Any]:
    return {
        "models": [
            {
                "key": key,
                "store": model.card.origin.store,
                "path": str(model.card.path),
                "bytes": model.card.size,
                "architecture": model.card.architecture,
                "quantization": model.card.quantization,
                "context_length": model.card.context_length,
                "kind": model.card.kind.value,
            }
            for key, model in catalog.models.items()
        ],
        "passed_over": [
            {"path": str(item.path), "reason": item.reason} for item in found.passed_over
        ],
        "problems": list(catalog.problems),
    }


def _lines(found: ScanResult, catalog: Catalog) -> list[str]:
    lines = [
        f"{key:<44} {model.card.quantization:<8} {model.card.size / 1e9:6.2f} GB  "
        f"{model.card.origin.store:<11} {model.card.path}"
        for key, model in catalog.models.items()
    ]
    passed = [f"passed over {item.path}: {item.reason}" for item in found.passed_over]
    problems = [f"models_config.json: {problem}" for problem in catalog.problems]
    return [*(lines or ["no models were found"]), *passed, *problems]
