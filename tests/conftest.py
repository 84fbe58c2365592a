"""What every test may use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures"

RecordFigures = Callable[[str, Mapping[str, Any]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the full counts, with dated figures")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Tell whether the full counts were asked for."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def cancels(soak: bool) -> int:
    """Return how many requests to cancel."""
    return 200 if soak else 20


@pytest.fixture(scope="session")
def record_figures(soak: bool) -> RecordFigures:
    """Return what keeps a soak's figures, dated, under docs/figures."""

    def record(name: str, figures: Mapping[str, Any]) -> None:
        if soak:
            FIGURES.mkdir(parents=True, exist_ok=True)
            today = datetime.now(UTC).date().isoformat()
            text = json.dumps({"date": today, **figures}, indent=2)
            (FIGURES / f"{today}-{name}.json").write_text(text + "\n", "utf-8")

    return record
