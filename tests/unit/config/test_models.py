from __future__ import annotations

import pytest

from llama_runner.config.models import (
    OWNED_REQUEST_FIELDS,
    ModelConfig,
    ModelDefaults,
    ModelsConfig,
    RequestFieldName,
)


def test_an_entry_wins_over_the_defaults_key_by_key() -> None:
    models = ModelsConfig(
        defaults=ModelDefaults(
            parameters={"ctx-size": 4096, "parallel": 2}, request_defaults={"temperature": 1.0}
        ),
        models={"a": ModelConfig(aliases=("x",), parameters={"ctx-size": 8192})},
    )
    assert models.merged("a") == ModelConfig(
        aliases=("x",),
        parameters={"ctx-size": 8192, "parallel": 2},
        request_defaults={"temperature": 1.0},
    )


def test_a_model_without_an_entry_takes_the_defaults() -> None:
    models = ModelsConfig(defaults=ModelDefaults(parameters={"parallel": 4}))
    assert models.merged("found") == ModelConfig(parameters={"parallel": 4})


@pytest.mark.parametrize("name", sorted(OWNED_REQUEST_FIELDS))
def test_what_only_a_client_can_say_has_no_default(name: str) -> None:
    assert RequestFieldName().objection(name) is not None


def test_other_request_fields_may_have_one() -> None:
    assert RequestFieldName().objection("temperature") is None
    assert RequestFieldName().objection("") is not None
    assert RequestFieldName().objection("two words") is not None
