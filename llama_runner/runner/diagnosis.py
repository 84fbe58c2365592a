"""Why a child ended: from its last lines and its exit code to a sentence for the user."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from attrs import frozen

from llama_runner.runner.exit_code import ExitKind, explain_exit


class Cause(Enum):
    """What ended a child, as far as it matters for what to do next."""

    STOPPED = auto()
    OUT_OF_MEMORY = auto()
    PORT_TAKEN = auto()
    BAD_MODEL = auto()
    BAD_FLAG = auto()
    MISSING_LIBRARY = auto()
    NO_EXECUTABLE = auto()
    KILLED = auto()
    CRASHED = auto()
    TIMEOUT = auto()
    UNKNOWN = auto()


@frozen
class Diagnosis:
    """One cause, and the sentence that tells the user."""

    cause: Cause
    message: str


STOPPED = Diagnosis(Cause.STOPPED, "it was stopped by us")


@frozen
class _Rule:
    """A line that gives the cause away, and what to say then."""

    cause: Cause
    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str]


def _rule(cause: Cause, pattern: str, template: str) -> _Rule:
    def say(match: re.Match[str]) -> str:
        return template.format(*match.groups(default=""))

    return _Rule(cause, re.compile(pattern), say)


_PORT_TAKEN = "port {0} is taken by another program"
_NOT_LOADABLE = "the file is not a model llama.cpp can load: {0}"

# The order is the order of trust: one failure makes the engine print several
# complaints, and the later rules match what follows from the earlier ones.
# A tensor that lies beyond the file's end is a bad file, never lack of memory.
_RULES: tuple[_Rule, ...] = (
    _rule(
        Cause.MISSING_LIBRARY,
        r"error while loading shared libraries: ([^:]+): cannot open shared object",
        "{0} is missing: the engine needs this library and the system does not find it",
    ),
    _rule(
        Cause.OUT_OF_MEMORY,
        r"error while loading shared libraries: ([^:]+): (?:failed to map|cannot allocate)",
        "not enough memory: not even the library {0} could be loaded",
    ),
    _rule(
        Cause.MISSING_LIBRARY,
        r"Library not loaded: (\S+)",
        "{0} is missing: the engine needs this library and the system does not find it",
    ),
    _rule(
        Cause.MISSING_LIBRARY,
        r"version [`']([^']+)' not found \(required by ([^)]+)\)",
        "the engine is built for a newer system: {1} needs {0}",
    ),
    _rule(
        Cause.MISSING_LIBRARY,
        r"symbol lookup error: ([^:]+): (undefined symbol: \S+)",
        "{0} does not fit the engine's other libraries ({1})",
    ),
    _rule(
        Cause.MISSING_LIBRARY,
        r"No module named '([^']+)'",
        "the Python package {0} is missing",
    ),
    _rule(
        Cause.PORT_TAKEN,
        r"couldn't bind HTTP server socket, hostname: .*, port: (\d+)",
        _PORT_TAKEN,
    ),
    _rule(
        Cause.PORT_TAKEN,
        r"[Aa]ddress already in use",
        "its port is taken by another program",
    ),
    _rule(
        Cause.BAD_FLAG,
        r"error: (?:invalid argument|unknown (?:argument|option)):? (\S+)",
        "unknown option {0}",
    ),
    _rule(
        Cause.BAD_FLAG,
        r'error while handling argument "([^"]+)": (?:expected value for argument)',
        "option {0} needs a value",
    ),
    _rule(
        Cause.BAD_FLAG,
        r'error while handling argument "([^"]+)": (?:sto\w+)',
        "option {0} has a value that is not a number",
    ),
    _rule(
        Cause.BAD_FLAG,
        r'error while handling argument "([^"]+)": (.+)',
        "option {0} has a value it does not take: {1}",
    ),
    _rule(
        Cause.OUT_OF_MEMORY,
        r"(?:cudaMalloc|hipMalloc) failed: out of memory",
        "not enough memory on the GPU",
    ),
    _rule(
        Cause.OUT_OF_MEMORY,
        r"(?:(?:CUDA|HIP|ROCm|MUSA) error.*out of memory|ErrorOutOfDeviceMemory"
        r"|CUBLAS_STATUS_ALLOC_FAILED|kIOGPUCommandBufferCallbackErrorOutOfMemory"
        r"|can't allocate \d+ Bytes of memory on device"
        r"|ggml_vulkan: Device memory allocation of size \d+ failed"
        r"|failed to allocate (?:CUDA|ROCm|HIP|Vulkan|Metal|SYCL|MUSA)\S* buffer"
        r"|unable to allocate (?:CUDA|ROCm|HIP|Vulkan|Metal|SYCL|MUSA)\S* buffer)",
        "not enough memory on the GPU",
    ),
    _rule(
        Cause.OUT_OF_MEMORY,
        r"insufficient memory \(attempted to allocate ([^)]+)\)",
        "not enough memory: {0} could not be allocated",
    ),
    _rule(
        Cause.OUT_OF_MEMORY,
        r"(?:mmap|mlock|malloc|calloc|posix_memalign|VirtualAlloc) failed: (Cannot allocate memory)"
        r"|std::bad_alloc|(?i:\bout of memory\b)"
        # What C++ says when no memory is left for another thread.
        r"|what\(\): +Resource temporarily unavailable"
        r"|failed to allocate buffer|unable to allocate .*buffer"
        # What its graph is computed with, and Vulkan for the machine's own memory.
        r"|failed to allocate compute|graph allocation: failed|ErrorOutOfHostMemory",
        "not enough memory to load the model",
    ),
    _rule(
        Cause.BAD_MODEL,
        r"failed to open GGUF file '(.+)' \(([^)]+)\)",
        "the model's file {0} cannot be opened: {1}",
    ),
    _rule(
        Cause.BAD_MODEL,
        r"unknown model architecture: '([^']+)'",
        "this engine does not know the model architecture {0}; a newer llama-server may",
    ),
    _rule(Cause.BAD_MODEL, r"gguf_init\w*: (.+)", _NOT_LOADABLE),
    _rule(
        Cause.BAD_MODEL, r"error loading model: (?!llama_model_loader: failed)(.+)", _NOT_LOADABLE
    ),
    _rule(Cause.BAD_MODEL, r"failed to load multimodal model, '(.+)'", _NOT_LOADABLE),
    _rule(Cause.BAD_MODEL, r"(failed to load model.*)", _NOT_LOADABLE),
    _rule(Cause.UNKNOWN, r"^error: (.+)", "{0}"),
)

_PROJECTOR = re.compile(r"failed to load multimodal model, '(.+)'")
_BUFFER_PURPOSE = re.compile(r"failed to allocate buffer for (?:the )?(.+)")
_STAMP = re.compile(r"^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] (?:\S+ +)?(?:\S+: )?")


def diagnose(code: int, lines: Sequence[str]) -> Diagnosis:
    """Say why a child that printed ``lines`` ended with ``code``."""
    for rule in _RULES:
        for line in lines:
            match = rule.pattern.search(line)
            if match is not None:
                return Diagnosis(rule.cause, rule.say(match) + _more(rule.cause, lines))
    return _from_code(code, lines)


def not_ready_within(seconds: float, lines: Sequence[str]) -> Diagnosis:
    """Say that a child took too long, and what it was at."""
    return Diagnosis(Cause.TIMEOUT, f"it was not ready within {seconds:g} s; {_last_words(lines)}")


def port_taken(port: int) -> Diagnosis:
    """Say that another program has its port, though it did not say so itself."""
    return Diagnosis(Cause.PORT_TAKEN, _PORT_TAKEN.format(port))


def not_runnable(error: OSError, program: str) -> Diagnosis:
    """Say why the operating system would not run a program at all."""
    if error.errno in (errno.ENOMEM, errno.EAGAIN):
        return Diagnosis(Cause.OUT_OF_MEMORY, f"not enough memory to run {program}")
    reasons = {
        errno.ENOENT: f"there is no {program}",
        errno.EACCES: f"{program} may not be executed: its permissions forbid it",
        errno.ENOEXEC: f"{program} is not a program for this machine",
        errno.E2BIG: f"the command line for {program} is too long",
    }
    reason = reasons.get(error.errno or 0, f"{program} cannot be run: {error.strerror or error}")
    return Diagnosis(Cause.NO_EXECUTABLE, reason)


def _from_code(code: int, lines: Sequence[str]) -> Diagnosis:
    meaning = explain_exit(code)
    causes = {
        ExitKind.PLAIN: Cause.UNKNOWN,
        ExitKind.KILLED: Cause.KILLED,
        ExitKind.CRASHED: Cause.CRASHED,
        ExitKind.OUT_OF_MEMORY: Cause.OUT_OF_MEMORY,
        ExitKind.MISSING_LIBRARY: Cause.MISSING_LIBRARY,
    }
    return Diagnosis(causes[meaning.kind], f"{meaning.text}; {_last_words(lines)}")


def _more(cause: Cause, lines: Iterable[str]) -> str:
    match cause:
        case Cause.OUT_OF_MEMORY:
            found = _first(_BUFFER_PURPOSE, lines)
            return f" (for the {found})" if found else ""
        case Cause.BAD_MODEL:
            found = _first(_PROJECTOR, lines)
            return f" (the projector {found})" if found else ""
        case _:
            return ""


def _first(pattern: re.Pattern[str], lines: Iterable[str]) -> str | None:
    return next((match[1] for line in lines if (match := pattern.search(line))), None)


def _last_words(lines: Sequence[str]) -> str:
    spoken = [text for line in lines if (text := _STAMP.sub("", line).strip())]
    return f"its last words: {spoken[-1]}" if spoken else "it printed nothing"
