"""Names of quantisations: from the header's number, or from how the file is called."""

from __future__ import annotations

import re
from collections.abc import Mapping

UNKNOWN = "unknown"

# The numbers of ``general.file_type`` that are in use, as llama.cpp assigns them.
_FILE_TYPES: Mapping[int, str] = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    4: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    33: "Q4_0_4_4",
    34: "Q4_0_4_8",
    35: "Q4_0_8_8",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
    41: "Q2_0",
}
# llama.cpp adds this when it had to guess the type.
_GUESSED = 1024

_AT_THE_END = re.compile(
    r"(?P<base>.+?)[-._]"
    r"(?P<name>(?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4))",
    re.IGNORECASE,
)


def split_quantization(stem: str) -> tuple[str, str | None]:
    """Part ``Qwen3-8B-Q4_K_M`` into ``Qwen3-8B`` and ``Q4_K_M``; the latter may be missing."""
    match = _AT_THE_END.fullmatch(stem)
    return (match["base"], match["name"].upper()) if match else (stem, None)


def quantization_name(file_type: int | None, stem: str) -> str:
    """Return what the header says, else what the file name says, else ``unknown``."""
    if file_type is not None and file_type & ~_GUESSED in _FILE_TYPES:
        return _FILE_TYPES[file_type & ~_GUESSED]
    return split_quantization(stem)[1] or UNKNOWN
