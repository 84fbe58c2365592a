from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llama_runner.commands.preparing import Prepared
from llama_runner.commands.start import find_models, make_room
from llama_runner.config.app import AppConfig, ModelFoldersConfig
from llama_runner.config.configuration import Configuration
from llama_runner.config.models import ModelsConfig
from llama_runner.embedded_model import embedded_models_folder
from tests.support.gguf_writer import write_gguf
from tests.unit.catalog.test_kept_store import keep

if sys.platform != "win32":
    from tests.support.open_files import soft_limit

    def test_more_connections_than_there_can_be_are_warned_of(
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with soft_limit(500):
            make_room(3, 2**40)
        assert "less than limits.max_connections needs" in caplog.text

    def test_as_many_as_there_can_be_are_not(caplog: pytest.LogCaptureFixture) -> None:
        with soft_limit(500):
            make_room(1, 100)
        assert caplog.text == ""


async def test_the_embedded_model_is_served_only_for_want_of_others(tmp_path: Path) -> None:
    """It lies where models are fetched to on a machine that lacks the configured folder."""
    others = tmp_path / "others"
    write_gguf(others / "mine.gguf")
    store = embedded_models_folder(tmp_path / "state")
    write_gguf(store / "embedded" / "embedded.gguf")
    app = AppConfig(models=ModelFoldersConfig(dir=str(tmp_path / "missing")))
    configuration = Configuration(app, ModelsConfig())
    prepared = Prepared(configuration, tmp_path / "state", (others,))
    assert set((await find_models(prepared)).models) == {"mine"}
    keep(store, "pulled:latest")
    assert {"mine", "pulled:latest"} <= set((await find_models(prepared)).models)
