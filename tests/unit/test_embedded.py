from __future__ import annotations

import os
import subprocess
import sys

import pytest
import xllamacpp

from llama_runner import embedded

SAMPLES = {
    "--cache-type-k": "q8_0",
    "--cache-type-v": "f16",
    "--fit": "off",
    "--flash-attn": "on",
    "--gpu-layers": "all",
    "--pooling": "mean",
}


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llama_runner.embedded", *flags],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_flags_are_read_in_order_and_switches_take_no_value():
    given = embedded.parse(["--jinja", "--port", "1", "--no-jinja"])
    assert given == [("--jinja", ""), ("--port", "1"), ("--no-jinja", "")]


@pytest.mark.parametrize("flag", ["--rpc", "-m", "model.gguf", "--api-key", "--tools"])
def test_any_other_flag_is_an_error_that_names_it(flag):
    with pytest.raises(embedded.UsageError, match=f"invalid argument: {flag}"):
        embedded.parse(["--jinja", flag, "x"])


def test_a_flag_without_its_value_is_an_error():
    with pytest.raises(embedded.UsageError, match="expected a value for argument: --port"):
        embedded.parse(["--port"])


@pytest.mark.parametrize("flag", [*embedded.SWITCHES, *embedded.VALUES])
def test_every_flag_sets_something_the_library_knows(flag):
    value = "" if flag in embedded.SWITCHES else SAMPLES.get(flag, "3")
    embedded.apply(xllamacpp.CommonParams(), [(flag, value)])


def test_flags_reach_the_library():
    params = xllamacpp.CommonParams()
    flags = ["--model", "m.gguf", "--alias", "key", "--host", "127.0.0.1", "--no-ui"]
    flags += ["--rerank", "--no-kv-offload", "--threads", "3", "--seed", "-1", "--temp", "0.5"]
    embedded.apply(params, embedded.parse(flags))
    assert params.model.path == "m.gguf"
    assert params.model_alias == {"key"}
    assert params.hostnames == ["127.0.0.1"]
    assert params.ui is False
    assert params.embedding is True
    assert params.pooling_type == xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    assert params.no_kv_offload is True
    assert params.cpuparams.n_threads == 3
    assert params.sampling.seed == 2**32 - 1
    assert params.sampling.temp == 0.5


@pytest.mark.parametrize(
    ("flag", "value"), [("--ctx-size", "big"), ("--fit", "maybe"), ("--cache-type-k", "q99")]
)
def test_a_wrong_value_is_an_error_that_names_flag_and_value(flag, value):
    with pytest.raises(embedded.UsageError, match=f"'{flag}': '{value}'"):
        embedded.apply(xllamacpp.CommonParams(), [(flag, value)])


def test_a_wrong_command_line_ends_with_code_2_and_says_so():
    finished = run("--no-such-flag")
    assert finished.returncode == embedded.USAGE_ERROR
    assert finished.stderr == "error: invalid argument: --no-such-flag\n"
    assert finished.stdout == ""


def test_it_starts_without_importing_what_it_does_not_need():
    code = "import sys, llama_runner.embedded; print(*sys.modules)"
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    ).stdout.split()
    assert not {"trio", "attrs", "attr", "asyncio", "json", "xllamacpp"} & set(listed)
