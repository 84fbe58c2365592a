from pathlib import Path

import pytest

from llama_runner.catalog.assembly import assemble
from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.catalog import (
    AmbiguousName,
    Catalog,
    build_catalog,
    configured_files,
)
from llama_runner.config.models import ModelConfig, ModelDefaults, ModelsConfig
from llama_runner.errors import UnknownModel
from tests.support.gguf_reading import facts, found

_JANUS = found("JanusCoderV-7B.i1-Q4_K_S.gguf", "JanusCoderV-7B-i1-GGUF")
_QWEN_4 = found("Qwen3-8B-Q4_K_M.gguf", "lmstudio-community", "Qwen3-8B-GGUF")
_QWEN_8 = found("Qwen3-8B-Q8_0.gguf", "lmstudio-community", "Qwen3-8B-GGUF")
_FLAT = found("tinyllama.gguf")


def _cards() -> tuple[ModelCard, ...]:
    return assemble({file: facts() for file in (_JANUS, _QWEN_4, _QWEN_8, _FLAT)}).cards


def _catalog(**configured: ModelConfig) -> Catalog:
    return build_catalog(_cards(), ModelsConfig(models=configured))


def test_discovered_models_need_no_entry():
    assert list(_catalog().models) == [
        "januscoderv-7b.i1-q4_k_s",
        "qwen3-8b-q4_k_m",
        "qwen3-8b-q8_0",
        "tinyllama",
    ]
    assert build_catalog((), ModelsConfig()).models == {}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("januscoderv-7b.i1-q4_k_s", "januscoderv-7b.i1-q4_k_s"),
        ("JanusCoderV-7B.i1-Q4_K_S.gguf", "januscoderv-7b.i1-q4_k_s"),
        ("JanusCoderV-7B-i1-GGUF", "januscoderv-7b.i1-q4_k_s"),
        ("JanusCoderV-7B-i1", "januscoderv-7b.i1-q4_k_s"),
        ("januscoderv-7b.i1", "januscoderv-7b.i1-q4_k_s"),
        ("JanusCoderV-7B-i1-GGUF/JanusCoderV-7B.i1-Q4_K_S", "januscoderv-7b.i1-q4_k_s"),
        ("JanusCoderV-7B-i1-GGUF\\JanusCoderV-7B.i1-Q4_K_S.gguf", "januscoderv-7b.i1-q4_k_s"),
        ("lmstudio-community/Qwen3-8B-GGUF/Qwen3-8B-Q8_0.gguf", "qwen3-8b-q8_0"),
        ("lmstudio-community/qwen3-8b@q8_0", "qwen3-8b-q8_0"),
        ("qwen3-8b@q4_k_m", "qwen3-8b-q4_k_m"),
        ("qwen3-8b:Q4_K_M", "qwen3-8b-q4_k_m"),
        ("Qwen3-8B-GGUF:Q8_0", "qwen3-8b-q8_0"),
        ("tinyllama:latest", "tinyllama"),
        ("TinyLlama", "tinyllama"),
        ("tinyllama@unknown", "tinyllama"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(name, key):
    assert _catalog().resolve(name).key == key


@pytest.mark.parametrize("name", ["qwen3-8b", "Qwen3-8B-GGUF", "lmstudio-community/Qwen3-8B-GGUF"])
def test_a_name_of_several_models_is_refused_with_the_candidates(name):
    with pytest.raises(AmbiguousName) as caught:
        _catalog().resolve(name)
    assert str(caught.value) == (
        f"{name!r} may mean any of these models: qwen3-8b-q4_k_m, qwen3-8b-q8_0"
    )
    assert caught.value.known == ("qwen3-8b-q4_k_m", "qwen3-8b-q8_0")


@pytest.mark.parametrize("name", ["qwen3-8b-q4", "qwen3-8b:q5_k_m", "latest", "", "/"])
def test_an_unknown_name_is_refused_with_the_likest_models_first(name):
    with pytest.raises(UnknownModel) as caught:
        _catalog().resolve(name)
    assert not isinstance(caught.value, AmbiguousName)
    assert len(caught.value.known) == 4
    if name.startswith("qwen"):
        assert caught.value.known[0].startswith("qwen3")


def test_an_entry_without_a_path_configures_the_model_of_its_name():
    entry = ModelConfig(aliases=("coder",), parameters={"ctx-size": 8192})
    defaults = ModelDefaults(parameters={"ctx-size": 1, "parallel": 2})
    configured = ModelsConfig(models={"JanusCoderV-7B-i1-GGUF": entry}, defaults=defaults)
    catalog = build_catalog(_cards(), configured)
    model = catalog.resolve("Coder:latest")
    assert model.key == "JanusCoderV-7B-i1-GGUF"
    assert model.card.path == _JANUS.path
    assert model.config.parameters == {"ctx-size": 8192, "parallel": 2}
    assert model.aliases == ("coder",)
    assert len(catalog.models) == 4
    assert catalog.resolve("januscoderv-7b.i1-q4_k_s") is model
    assert catalog.resolve("tinyllama").config.parameters == {"ctx-size": 1, "parallel": 2}
    assert not catalog.problems


def test_an_entry_with_a_path_names_that_file():
    catalog = _catalog(big=ModelConfig(path=str(_QWEN_8.path)))
    assert catalog.resolve("big").card.path == _QWEN_8.path
    assert catalog.resolve("Qwen3-8B-Q8_0").key == "big"
    assert len(catalog.models) == 4


def test_two_entries_may_serve_one_file_in_two_ways():
    path = str(_FLAT.path)
    catalog = _catalog(
        small=ModelConfig(path=path, parameters={"ctx-size": 1024}),
        large=ModelConfig(path=path, parameters={"ctx-size": 9999}),
    )
    assert catalog.resolve("small").card is catalog.resolve("large").card
    with pytest.raises(AmbiguousName, match="large, small"):
        catalog.resolve("tinyllama")


def test_an_entry_takes_its_name_from_a_discovered_model():
    catalog = _catalog(tinyllama=ModelConfig(path=str(_JANUS.path)))
    assert catalog.resolve("tinyllama").card.path == _JANUS.path
    assert catalog.resolve("tinyllama-2").card.path == _FLAT.path


def test_what_cannot_be_done_is_a_problem_and_the_rest_holds():
    configured = ModelsConfig(
        models={
            "gone": ModelConfig(path="/models/gone.gguf"),
            "nowhere": ModelConfig(),
            "qwen3-8b": ModelConfig(),
            "tinyllama": ModelConfig(aliases=("qwen3-8b-q8_0", "shared")),
            "TinyLlama.gguf": ModelConfig(),
            "januscoderv-7b-i1": ModelConfig(aliases=("shared",)),
        },
        default_model="missing",
    )
    catalog = build_catalog(_cards(), configured)
    gone, nowhere, ambiguous, twice, *aliases, default = catalog.problems
    assert gone == "models.gone: there is no usable model at /models/gone.gguf"
    assert nowhere == "models.nowhere: it has no path, and no model of this name was found"
    assert ambiguous.startswith("models.qwen3-8b: 'qwen3-8b' may mean any of")
    assert twice == "models.TinyLlama.gguf: another entry has the same name"
    assert sorted(aliases) == [
        "models.januscoderv-7b-i1.aliases: 'shared' may mean any of these models: "
        "januscoderv-7b-i1, tinyllama",
        "models.tinyllama.aliases: 'qwen3-8b-q8_0' is the name of qwen3-8b-q8_0",
        "models.tinyllama.aliases: 'shared' may mean any of these models: "
        "januscoderv-7b-i1, tinyllama",
    ]
    assert default.startswith("default_model: no model is called 'missing'")
    assert len(catalog.models) == 4
    assert catalog.default is None


def test_the_default_model_may_be_called_by_any_name():
    catalog = build_catalog(_cards(), ModelsConfig(default_model="TinyLlama.gguf"))
    assert catalog.default is catalog.models[catalog.resolve("tinyllama").key]
    assert _catalog().default is None


def test_a_hidden_model_is_served_and_not_listed():
    catalog = _catalog(tinyllama=ModelConfig(hidden=True))
    assert catalog.resolve("tinyllama").config.hidden
    assert "tinyllama" not in {model.key for model in catalog.listed}
    with pytest.raises(UnknownModel) as caught:
        catalog.resolve("tinyllam")
    assert "tinyllama" not in caught.value.known


def test_a_configured_projector_gives_or_takes_sight():
    findings = {
        _FLAT: facts(),
        found("mmproj.gguf"): facts(general__architecture="clip"),
        found("words.gguf", "other"): facts(llama__pooling_type=1),
    }
    entries = {
        "blind": ModelConfig(path=str(_FLAT.path), mmproj=""),
        "seeing": ModelConfig(path=str(_FLAT.path), mmproj="/models/eye.gguf"),
        "asfound": ModelConfig(path=str(_FLAT.path)),
        "words": ModelConfig(mmproj="/models/eye.gguf"),
    }
    catalog = build_catalog(assemble(findings).cards, ModelsConfig(models=entries))
    cards = {str(model.key): model.card for model in catalog.models.values()}
    assert cards["blind"].mmproj is None
    assert cards["seeing"].mmproj == Path("/models/eye.gguf")
    assert cards["seeing"].projector is None
    assert cards["asfound"].mmproj == Path("/models/mmproj.gguf")
    sighted = {key for key, card in cards.items() if "vision" in card.capabilities}
    assert sighted == {"seeing", "asfound"}


def test_the_configured_files_are_those_with_a_path():
    configured = ModelsConfig(models={"a": ModelConfig(path="/x.gguf"), "b": ModelConfig()})
    assert configured_files(configured) == (Path("/x.gguf"),)
