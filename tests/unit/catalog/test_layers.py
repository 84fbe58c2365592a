import pytest

from llama_runner.catalog.gguf import Value
from llama_runner.catalog.layers import state_length, windowed_layers


def _header(architecture: str, **values: Value) -> dict[str, Value]:
    return {f"{architecture}.{key.replace('__', '.')}": value for key, value in values.items()}


@pytest.mark.parametrize(
    ("architecture", "layers", "pattern", "windowed"),
    [
        ("gemma2", 26, None, 13),
        ("gemma3", 26, None, 22),
        ("gpt-oss", 24, None, 12),
        ("gemma3", 26, 0, 26),
        ("gemma3", 26, 1, 0),
        ("other", 6, 3, 4),
        ("other", 4, (True, True, False, True, True), 3),
        ("mistral", 32, None, 0),
    ],
)
def test_layers_with_a_window_are_counted(architecture, layers, pattern, windowed):
    header = _header(architecture, block_count=layers, attention__sliding_window=512)
    if pattern is not None:
        header[f"{architecture}.attention.sliding_window_pattern"] = pattern
    assert windowed_layers(header, architecture) == windowed


def test_without_a_window_no_layer_has_one():
    assert windowed_layers(_header("gemma2", block_count=26), "gemma2") == 0


def test_the_state_of_mamba_130m_is_what_llama_cpp_reckons():
    # 3 × 1536 for the convolution, 16 × 1536 for the state space.
    ssm = {"inner_size": 1536, "state_size": 16, "conv_kernel": 4}
    header = _header("mamba", **{f"ssm__{key}": value for key, value in ssm.items()})
    assert state_length(header, "mamba") == 3 * 1536 + 16 * 1536


@pytest.mark.parametrize("value", [-1, True, 1.5, "8", (1, 2)])
def test_what_is_no_count_counts_for_nothing(value):
    header = _header("mamba", ssm__inner_size=value, ssm__state_size=16, ssm__conv_kernel=4)
    assert state_length(header, "mamba") == 0
