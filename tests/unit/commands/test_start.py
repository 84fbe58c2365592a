from __future__ import annotations

import sys

import pytest

from llama_runner.commands.start import make_room

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
