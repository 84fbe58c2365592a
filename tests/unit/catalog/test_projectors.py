import pytest

from llama_runner.catalog.projectors import choose_projector
from llama_runner.catalog.shards import ModelFiles
from tests.support.gguf_reading import facts, found


def _model(stem: str, width: int = 64) -> ModelFiles:
    return ModelFiles(stem, (found(f"{stem}.gguf"),), facts(llama__embedding_length=width), 32)


def _projector(stem: str, file_type: int = 1, **metadata: int) -> ModelFiles:
    known = facts(general__architecture="clip", general__file_type=file_type, **metadata)
    return ModelFiles(stem, (found(f"{stem}.gguf"),), known, 32)


def _chosen(model: str, projectors: list[ModelFiles], *others: str) -> str | None:
    models = [_model(stem) for stem in (model, *others)]
    chosen = choose_projector(models[0], projectors, models)
    return chosen.stem if chosen else None


def test_without_a_projector_there_is_none():
    assert _chosen("gemma-Q4_K_M", []) is None


def test_all_quantisations_of_one_model_share_its_projector():
    others = ("gemma-3-4b-Q8_0", "gemma-3-4b.i1-Q4_K_S")
    assert _chosen("gemma-3-4b-Q4_K_M", [_projector("mmproj-F16")], *others) == "mmproj-F16"


@pytest.mark.parametrize(
    ("types", "best"), [((0, 7, 1), "2"), ((0, 32), "1"), ((2, 0, 7), "2"), ((3, 2), "0")]
)
def test_half_precision_is_preferred(types, best):
    projectors = [_projector(str(number), kind) for number, kind in enumerate(types)]
    assert _chosen("gemma", projectors) == best


def test_among_different_models_the_name_decides():
    projectors = [_projector("mmproj-llava-1.6-f16"), _projector("mmproj-model-f16")]
    assert _chosen("llava-1.6-7b-Q4_K", projectors, "qwen3-Q8_0") == "mmproj-llava-1.6-f16"
    assert _chosen("qwen3-Q8_0", projectors, "llava-1.6-7b-Q4_K") is None


def test_a_projector_of_another_width_does_not_fit():
    wide = _projector("mmproj", clip__vision__projection_dim=4096)
    right = _projector("mmproj", clip__vision__projection_dim=64)
    assert _chosen("gemma", [wide]) is None
    assert _chosen("gemma", [wide, right]) == "mmproj"
