from __future__ import annotations

import pytest

from llama_runner.runner.environment import child_environment

INHERITED = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "LD_LIBRARY_PATH": "/opt/cuda/lib",
    "CUDA_VISIBLE_DEVICES": "1",
    "GGML_VK_VISIBLE_DEVICES": "0",
    "LLAMA_ARG_TOOLS": "all",
    "LLAMA_ARG_HOST": "0.0.0.0",
    "LLAMA_API_KEY": "theirs",
    "LLAMA_RUNNER_ENGINE": "x",
    "HF_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "PYTHONPATH": "/elsewhere",
    "HTTPS_PROXY": "http://proxy",
}


def test_a_child_gets_what_a_process_and_its_devices_need_and_nothing_else():
    assert child_environment(INHERITED, api_key="ours", platform="linux") == {
        "PATH": "/usr/bin",
        "HOME": "/home/me",
        "LD_LIBRARY_PATH": "/opt/cuda/lib",
        "CUDA_VISIBLE_DEVICES": "1",
        "GGML_VK_VISIBLE_DEVICES": "0",
        "LLAMA_API_KEY": "ours",
        "LLAMA_SERVER_ROUTER_PORT": "1",
    }


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_no_flag_of_the_engine_can_be_inherited(platform):
    inherited = {name: "1" for name in ("LLAMA_ARG_TOOLS", "LLAMA_CACHE", "Llama_Arg_Host")}
    built = child_environment(inherited, api_key="k", platform=platform)
    assert set(built) == {"LLAMA_API_KEY", "LLAMA_SERVER_ROUTER_PORT"}


def test_windows_names_count_in_any_case_and_keep_their_spelling():
    inherited = {"Path": r"C:\Windows", "SystemRoot": r"C:\Windows", "windir": r"C:\Windows"}
    built = child_environment(inherited, api_key="k", platform="win32")
    assert inherited.items() <= built.items()


def test_posix_names_count_only_in_their_own_case():
    built = child_environment({"Path": "x", "cuda_x": "y"}, api_key="k", platform="linux")
    assert set(built) == {"LLAMA_API_KEY", "LLAMA_SERVER_ROUTER_PORT"}
