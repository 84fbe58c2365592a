import pytest

from llama_runner.catalog.quantization import quantization_name, split_quantization


@pytest.mark.parametrize(
    ("stem", "base", "name"),
    [
        ("Qwen3-8B-Q4_K_M", "Qwen3-8B", "Q4_K_M"),
        ("JanusCoderV-7B.i1-Q4_K_S", "JanusCoderV-7B.i1", "Q4_K_S"),
        ("SmolLM2-135M-Instruct.Q4_1", "SmolLM2-135M-Instruct", "Q4_1"),
        ("gemma-3-UD-IQ2_XXS", "gemma-3", "UD-IQ2_XXS"),
        ("gpt-oss-20b-mxfp4", "gpt-oss-20b", "MXFP4"),
        ("mmproj-model-f16", "mmproj-model", "F16"),
        ("tiny_fp32", "tiny", "FP32"),
        ("Llama-3.2-1B", "Llama-3.2-1B", None),
        ("Q4_0", "Q4_0", None),
        ("", "", None),
    ],
)
def test_a_file_name_is_parted_from_its_quantization(stem, base, name):
    assert split_quantization(stem) == (base, name)


@pytest.mark.parametrize(
    ("file_type", "stem", "name"),
    [
        (15, "model-Q8_0", "Q4_K_M"),
        (1024 + 7, "model", "Q8_0"),
        (None, "model-q5_k_s", "Q5_K_S"),
        (9999, "model-IQ4_XS", "IQ4_XS"),
        (None, "model", "unknown"),
    ],
)
def test_the_header_comes_before_the_file_name(file_type, stem, name):
    assert quantization_name(file_type, stem) == name
