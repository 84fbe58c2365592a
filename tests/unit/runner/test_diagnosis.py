from __future__ import annotations

import errno

import pytest

from llama_runner.runner.diagnosis import Cause, diagnose, not_ready_within, not_runnable

# What llama-server b11434 (and the system's loader) really print, provoked one by one.
NOT_GGUF = """\
0.00.005.315 E gguf_init_from_reader: invalid magic characters: 'hell', expected 'GGUF'
0.00.006.555 E llama_model_load: error loading model: llama_model_loader: failed to load model from bad.gguf
0.00.006.583 E llama_model_load_from_file_impl: failed to load model
0.00.006.645 E common_fit_params: encountered an error while trying to fit params to free device memory: failed to load model
0.00.006.742 E cmn  common_init_: failed to load model 'bad.gguf'
0.00.006.762 E srv    load_model: failed to load model, 'bad.gguf'
0.00.006.779 I srv    operator(): operator(): cleaning up before exit...
0.00.007.171 E srv  llama_server: exiting due to model loading error"""  # noqa: E501 - as printed
HALF_A_HEADER = NOT_GGUF.replace(
    "invalid magic characters: 'hell', expected 'GGUF'", "failed to read key-value pairs"
)
NO_FILE = NOT_GGUF.replace(
    "gguf_init_from_reader: invalid magic characters: 'hell', expected 'GGUF'",
    "gguf_init_from_file: failed to open GGUF file 'no.gguf' (No such file or directory)",
)
TRUNCATED = """\
0.00.020.265 E llama_model_load: error loading model: tensor 'token_embd.weight' data is not within the file bounds, model is corrupted or incomplete
0.00.020.340 E llama_model_load_from_file_impl: failed to load model
0.00.034.321 E cmn  common_init_: failed to load model 'trunc.gguf'
0.00.034.919 E srv  llama_server: exiting due to model loading error"""  # noqa: E501 - as printed
BAD_PROJECTOR = """\
0.01.284.449 E gguf_init_from_reader: invalid magic characters: 'hell', expected 'GGUF'
0.01.284.529 E clip_init: failed to load model 'bad.gguf': clip_model_loader: failed to load CLIP model from bad.gguf. Does this file exist?
0.01.284.557 E mtmd_init_from_file: error: Failed to load CLIP model from bad.gguf
0.01.284.576 E srv    load_model: failed to load multimodal model, 'bad.gguf'"""  # noqa: E501 - as printed
PORT = """\
0.00.021.389 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18765
0.00.026.396 E srv  llama_server: exiting due to HTTP server error"""
NO_CACHE = """\
0.00.112.530 E ggml_aligned_malloc: insufficient memory (attempted to allocate 180.00 MB)
0.00.112.558 E ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 188743680
0.00.112.587 E ggml_backend_buft_alloc_buffer_n_default: failed to allocate CPU buffer of size 188743680
0.00.112.732 E llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache
0.00.112.758 E cmn  common_init_: failed to create context with model 'm.gguf'
0.00.113.360 E srv  llama_server: exiting due to model loading error"""  # noqa: E501 - as printed
NO_MAP = """\
0.00.114.890 E llama_model_load: error loading model: mmap failed: Cannot allocate memory
0.00.114.921 E llama_model_load_from_file_impl: failed to load model"""
NO_VALUE = """\
error while handling argument "--ctx-size": expected value for argument

usage:
-c,    --ctx-size N      size of the prompt context (default: 0, 0 = loaded from model)

to show complete usage, run with -h"""
NO_LIBRARY = (
    "llama-server: error while loading shared libraries: libggml-rpc.so.0: "
    "cannot open shared object file: No such file or directory"
)

REAL = [
    (NOT_GGUF, 1, Cause.BAD_MODEL, "not a model llama.cpp can load: invalid magic characters"),
    (HALF_A_HEADER, 1, Cause.BAD_MODEL, "can load: failed to read key-value pairs"),
    (NO_FILE, 1, Cause.BAD_MODEL, "file no.gguf cannot be opened: No such file or directory"),
    (TRUNCATED, 1, Cause.BAD_MODEL, "model is corrupted or incomplete"),
    (BAD_PROJECTOR, 1, Cause.BAD_MODEL, "expected 'GGUF' (the projector bad.gguf)"),
    (PORT, 1, Cause.PORT_TAKEN, "port 18765 is taken by another program"),
    (
        NO_CACHE,
        1,
        Cause.OUT_OF_MEMORY,
        "memory: 180.00 MB could not be allocated (for the kv cache)",
    ),
    (NO_MAP, 1, Cause.OUT_OF_MEMORY, "not enough memory to load the model"),
    ("error: invalid argument: --foo", 1, Cause.BAD_FLAG, "unknown option --foo"),
    (NO_VALUE, 1, Cause.BAD_FLAG, "option --ctx-size needs a value"),
    (
        'error while handling argument "--ctx-size": stoi\n\nusage:',
        1,
        Cause.BAD_FLAG,
        "option --ctx-size has a value that is not a number",
    ),
    (
        "error: the supplied chat template is not supported: {% foo %}",
        1,
        Cause.UNKNOWN,
        "the supplied chat template is not supported: {% foo %}",
    ),
    (NO_LIBRARY, 127, Cause.MISSING_LIBRARY, "libggml-rpc.so.0 is missing"),
    (
        "llama-server: error while loading shared libraries: libicudata.so.72: "
        "failed to map segment from shared object",
        127,
        Cause.OUT_OF_MEMORY,
        "libicudata.so.72",
    ),
    (
        "llama-server: symbol lookup error: ./libggml.so.0: undefined symbol: ggml_rpc_reg",
        127,
        Cause.MISSING_LIBRARY,
        "does not fit the engine's other libraries",
    ),
    (
        "terminate called after throwing an instance of 'std::bad_alloc'\n what(): std::bad_alloc",
        -6,
        Cause.OUT_OF_MEMORY,
        "not enough memory",
    ),
    (
        "terminate called after throwing an instance of 'std::system_error'\n"
        "  what():  Resource temporarily unavailable",
        -6,
        Cause.OUT_OF_MEMORY,
        "not enough memory",
    ),
]

# From the sources of llama.cpp and of the systems' loaders: there is no such hardware here.
READ = [
    (
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8192.00 MiB on device 0: "
        "cudaMalloc failed: out of memory\n"
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        1,
        Cause.OUT_OF_MEMORY,
        "not enough memory on the GPU",
    ),
    (
        "ggml_vulkan: Device memory allocation of size 1073741824 failed.\n"
        "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
        1,
        Cause.OUT_OF_MEMORY,
        "on the GPU",
    ),
    (
        "graph_reserve: failed to allocate compute buffers\n"
        "llama_init_from_model: failed to initialize the context",
        1,
        Cause.OUT_OF_MEMORY,
        "not enough memory to load the model",
    ),
    (
        "error: command buffer 0 failed with status 5\n"
        "error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
        -6,
        Cause.OUT_OF_MEMORY,
        "on the GPU",
    ),
    (
        "ggml_sycl_malloc_device: can't allocate 1073741824 Bytes of memory on device",
        1,
        Cause.OUT_OF_MEMORY,
        "on the GPU",
    ),
    (
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED",
        -6,
        Cause.OUT_OF_MEMORY,
        "on the GPU",
    ),
    (
        "llama_model_load: error loading model: error loading model architecture: "
        "unknown model architecture: 'gemma9'",
        1,
        Cause.BAD_MODEL,
        "does not know the model architecture gemma9",
    ),
    (
        "./llama-server: error while loading shared libraries: libcuda.so.1: "
        "cannot open shared object file: No such file or directory",
        127,
        Cause.MISSING_LIBRARY,
        "libcuda.so.1 is missing",
    ),
    (
        "./llama-server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found "
        "(required by ./llama-server)",
        1,
        Cause.MISSING_LIBRARY,
        "needs GLIBC_2.38",
    ),
    (
        "dyld[4242]: Library not loaded: @rpath/libggml.dylib",
        -6,
        Cause.MISSING_LIBRARY,
        "@rpath/libggml.dylib is missing",
    ),
    (
        "ModuleNotFoundError: No module named 'xllamacpp'",
        1,
        Cause.MISSING_LIBRARY,
        "the Python package xllamacpp is missing",
    ),
    (
        "OSError: [Errno 98] Address already in use",
        1,
        Cause.PORT_TAKEN,
        "taken by another program",
    ),
]


@pytest.mark.parametrize(("text", "code", "cause", "words"), REAL + READ)
def test_the_user_reads_the_cause(text, code, cause, words):
    diagnosis = diagnose(
        code, ["0.00.002.000 I srv  init_listene: The UI is disabled", *text.split("\n")]
    )

    assert diagnosis.cause is cause
    assert words in diagnosis.message
    assert "exit code" not in diagnosis.message


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (-9, Cause.KILLED),
        (-11, Cause.CRASHED),
        (0xC0000135, Cause.MISSING_LIBRARY),
        (0xC0000017, Cause.OUT_OF_MEMORY),
        (3, Cause.UNKNOWN),
    ],
)
def test_without_a_telling_line_the_code_and_the_last_words_speak(code, cause):
    diagnosis = diagnose(code, ["0.00.290.822 W llama_context: n_ctx_seq > n_ctx_train", "", " "])

    assert diagnosis.cause is cause
    assert diagnosis.message.endswith("its last words: n_ctx_seq > n_ctx_train")


def test_a_child_that_printed_nothing_is_said_to_have():
    assert diagnose(7, []).message == "it ended with exit code 7; it printed nothing"


def test_lateness_names_the_bound_and_what_it_was_at():
    diagnosis = not_ready_within(1.5, ["0.00.008.759 I srv    load_model: loading model 'm.gguf'"])

    assert diagnosis.cause is Cause.TIMEOUT
    assert (
        diagnosis.message == "it was not ready within 1.5 s; its last words: loading model 'm.gguf'"
    )


@pytest.mark.parametrize(
    ("number", "cause", "words"),
    [
        (errno.ENOENT, Cause.NO_EXECUTABLE, "there is no F:\\llama-server.exe"),
        (errno.EACCES, Cause.NO_EXECUTABLE, "may not be executed"),
        (errno.ENOEXEC, Cause.NO_EXECUTABLE, "not a program for this machine"),
        (errno.E2BIG, Cause.NO_EXECUTABLE, "too long"),
        (errno.EAGAIN, Cause.OUT_OF_MEMORY, "not enough memory"),
        (errno.EIO, Cause.NO_EXECUTABLE, "cannot be run: of the text"),
    ],
)
def test_what_the_system_will_not_run_is_explained(number, cause, words):
    diagnosis = not_runnable(OSError(number, "of the text"), "F:\\llama-server.exe")

    assert diagnosis.cause is cause
    assert words in diagnosis.message
