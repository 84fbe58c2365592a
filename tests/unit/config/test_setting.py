from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import attrs

from llama_runner.config.app import AppConfig, ListenerConfig
from llama_runner.config.models import ModelDefaults, ModelsConfig
from llama_runner.config.setting import Setting, settings_of


def every_setting(cls: type[Any]) -> Iterator[Setting]:
    for setting in settings_of(cls).values():
        yield setting
        for part in (setting.type, *get_args(setting.type)):
            if isinstance(part, type) and attrs.has(part):
                yield from every_setting(part)


def test_every_key_carries_one_sentence_of_documentation() -> None:
    settings = [*every_setting(AppConfig), *every_setting(ModelsConfig)]
    assert len(settings) > 50
    for setting in settings:
        assert setting.documentation.endswith("."), setting.name
        assert "\n" not in setting.documentation, setting.name


def test_what_the_program_fills_in_is_no_key() -> None:
    assert "given" not in settings_of(AppConfig)


def test_defaults_are_values_also_where_a_factory_makes_them() -> None:
    settings = settings_of(ModelsConfig)
    assert settings["defaults"].default == ModelDefaults()
    assert not settings["defaults"].required
    assert settings_of(ListenerConfig)["port"].required
