"""The environment of a child: built from what a process needs, not inherited.

An inherited ``LLAMA_ARG_TOOLS`` would hand out shell tools, an inherited
``LLAMA_ARG_HOST`` would bind beyond loopback, and our own secrets are
nothing an engine needs. So nothing passes that is not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping

API_KEY = "LLAMA_API_KEY"
CHILD_PROTOCOL = "LLAMA_SERVER_ROUTER_PORT"

_POSIX = frozenset({"HOME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME"})
_WINDOWS = frozenset(
    {
        "ALLUSERSPROFILE",
        "APPDATA",
        "COMPUTERNAME",
        "COMSPEC",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "NUMBER_OF_PROCESSORS",
        "OS",
        "PATH",
        "PATHEXT",
        "PROCESSOR_ARCHITECTURE",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "PROGRAMFILES(X86)",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "USERDOMAIN",
        "USERNAME",
        "USERPROFILE",
        "WINDIR",
    }
)
_LIBRARIES = frozenset(
    {"DYLD_FALLBACK_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LANGUAGE", "LD_LIBRARY_PATH"}
)
# What selects and tunes devices, by vendor, and what the engine's own backends read.
_DEVICE_PREFIXES = (
    "AMD_",
    "CUDA_",
    "GGML_",
    "GOMP_",
    "GPU_",
    "HIP_",
    "HSA_",
    "KMP_",
    "LC_",
    "MKL_",
    "NVIDIA_",
    "OMP_",
    "ONEAPI_",
    "OPENBLAS_",
    "ROCM_",
    "ROCR_",
    "SYCL_",
    "VK_",
    "ZE_",
)


def child_environment(
    inherited: Mapping[str, str], *, api_key: str, platform: str
) -> dict[str, str]:
    """Return the whole environment of one launch.

    ``platform`` is ``sys.platform``'s value: Windows looks its names up
    without regard to case and a process there needs more of them.
    """
    allowed = _LIBRARIES | (_WINDOWS if platform == "win32" else _POSIX)
    kept = {name: value for name, value in inherited.items() if _passes(name, allowed, platform)}
    return {**kept, API_KEY: api_key, CHILD_PROTOCOL: "1"}


def _passes(name: str, allowed: frozenset[str], platform: str) -> bool:
    compared = name.upper() if platform == "win32" else name
    return compared in allowed or compared.startswith(_DEVICE_PREFIXES)
