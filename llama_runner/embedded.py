"""A llama-server of our own: ``python -m llama_runner.embedded FLAGS``.

Stands in for the real program where none is installed, over the xllamacpp
wheel, which carries the same server as a library. It takes the flags that
``runner/command.py`` emits or allows for it, and no others; the key comes
from ``LLAMA_API_KEY``. The library itself writes the child protocol's lines
to stdout, progress included, and its log to stderr.

This is a process of its own and no part of the Trio tree: the library serves
in threads of its own while we block on stdin. It ends by ``os._exit`` because
the library cannot be taken down while a request is open. Two things follow
from its holding the interpreter's lock while it loads a model: SIGTERM keeps
its default action, which needs no interpreter; and on Linux the kernel is
asked to end the process on anything that happens to stdin before the load is
done. Elsewhere it is deaf until then, as the real engine is.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

EXIT_LINE = b"cmd_router_to_child:exit"
USAGE_ERROR = 2
START_ERROR = 1

Setter = Callable[[Any, str], None]


class UsageError(Exception):
    """The command line cannot be understood."""


def parse(argv: Sequence[str]) -> list[tuple[str, str]]:
    """Return every flag given with its value, in order; a switch has an empty one."""
    given: list[tuple[str, str]] = []
    words = iter(argv)
    for word in words:
        if word in SWITCHES:
            given.append((word, ""))
        elif word in VALUES:
            value = next(words, None)
            if value is None:
                raise UsageError(f"expected a value for argument: {word}")
            given.append((word, value))
        else:
            raise UsageError(f"invalid argument: {word}")
    return given


def apply(params: Any, given: Iterable[tuple[str, str]]) -> None:
    """Set the library's parameters as the flags say; a later one has the last word."""
    for flag, value in given:
        try:
            (SWITCHES.get(flag) or VALUES[flag])(params, value)
        except (ValueError, KeyError, OverflowError) as error:
            raise UsageError(f"error while handling argument {flag!r}: {value!r}") from error


def _whole(name: str) -> Setter:
    return lambda params, value: setattr(params, name, int(value))


def _text(name: str) -> Setter:
    return lambda params, value: setattr(params, name, value)


def _real(name: str) -> Setter:
    return lambda params, value: setattr(params, name, float(value))


def _folder(name: str) -> Setter:
    # The library puts it in front of a file's name as it is.
    return lambda params, value: setattr(params, name, os.path.join(value, ""))


def _always(name: str, value: object) -> Setter:
    return lambda params, _: setattr(params, name, value)


def _inner(part: str, setter: Setter) -> Setter:
    return lambda params, value: setter(getattr(params, part), value)


def _choice(name: str, enumeration: str, prefix: str) -> Setter:
    def choose(params: Any, value: str) -> None:
        import xllamacpp

        setattr(params, name, getattr(xllamacpp, enumeration)[prefix + value.upper()])

    return choose


def _fit(params: Any, value: str) -> None:
    params.fit_params = {"on": True, "off": False}[value]


def _flash_attention(params: Any, value: str) -> None:
    words = {"on": "ENABLED", "off": "DISABLED", "auto": "AUTO"}
    _choice("flash_attn_type", "llama_flash_attn_type", "LLAMA_FLASH_ATTN_TYPE_")(
        params, words[value]
    )


def _layers(params: Any, value: str) -> None:
    params.n_gpu_layers = {"auto": -1, "all": -2}.get(value) or int(value)


def _rerank(params: Any, _: str) -> None:
    params.embedding = True
    _choice("pooling_type", "llama_pooling_type", "LLAMA_POOLING_TYPE_")(params, "rank")


def _nothing(_: Any, __: str) -> None:
    """Accept what the library has no other form of: it has neither agent nor tools."""


def _negatable(name: str, attribute: str, *, positive: bool = True) -> dict[str, Setter]:
    return {
        f"--{name}": _always(attribute, value=positive),
        f"--no-{name}": _always(attribute, value=not positive),
    }


SWITCHES: Mapping[str, Setter] = {
    "--embedding": _always("embedding", value=True),
    "--no-agent": _nothing,
    "--no-ui": _always("ui", value=False),
    "--offline": _always("offline", value=True),
    "--rerank": _rerank,
    "--slots": _always("endpoint_slots", value=True),
    "--swa-full": _always("swa_full", value=True),
    **_negatable("cache-idle-slots", "cache_idle_slots"),
    **_negatable("cache-prompt", "cache_prompt"),
    **_negatable("context-shift", "ctx_shift"),
    **_negatable("jinja", "use_jinja"),
    **_negatable("kv-offload", "no_kv_offload", positive=False),
    **_negatable("kv-unified", "kv_unified"),
    **_negatable("warmup", "warmup"),
}

VALUES: Mapping[str, Setter] = {
    "--alias": lambda params, value: setattr(params, "model_alias", {value}),
    "--batch-size": _whole("n_batch"),
    "--cache-ram": _whole("cache_ram_mib"),
    "--cache-reuse": _whole("n_cache_reuse"),
    "--cache-type-k": _choice("cache_type_k", "ggml_type", "GGML_TYPE_"),
    "--cache-type-v": _choice("cache_type_v", "ggml_type", "GGML_TYPE_"),
    "--chat-template": _text("chat_template"),
    "--ctx-size": _whole("n_ctx"),
    "--embd-normalize": _whole("embd_normalize"),
    "--fit": _fit,
    "--flash-attn": _flash_attention,
    "--gpu-layers": _layers,
    "--host": lambda params, value: setattr(params, "hostnames", [value]),
    "--keep": _whole("n_keep"),
    "--main-gpu": _whole("main_gpu"),
    "--min-p": _inner("sampling", _real("min_p")),
    "--mmproj": _inner("mmproj", _text("path")),
    "--model": _inner("model", _text("path")),
    "--parallel": _whole("n_parallel"),
    "--pooling": _choice("pooling_type", "llama_pooling_type", "LLAMA_POOLING_TYPE_"),
    "--port": _whole("port"),
    "--predict": _whole("n_predict"),
    "--repeat-last-n": _inner("sampling", _whole("penalty_last_n")),
    "--repeat-penalty": _inner("sampling", _real("penalty_repeat")),
    "--rope-freq-base": _real("rope_freq_base"),
    "--rope-freq-scale": _real("rope_freq_scale"),
    "--seed": _inner("sampling", lambda params, value: setattr(params, "seed", int(value) % 2**32)),
    "--slot-save-path": _folder("slot_save_path"),
    "--slot-prompt-similarity": _real("slot_prompt_similarity"),
    "--sse-ping-interval": _whole("sse_ping_interval"),
    "--temp": _inner("sampling", _real("temp")),
    "--threads": _inner("cpuparams", _whole("n_threads")),
    "--threads-batch": _inner("cpuparams_batch", _whole("n_threads")),
    "--threads-http": _whole("n_threads_http"),
    "--top-k": _inner("sampling", _whole("top_k")),
    "--top-p": _inner("sampling", _real("top_p")),
    "--ubatch-size": _whole("n_ubatch"),
    "--verbosity": _whole("verbosity"),
}


def end_on_stdin(descriptor: int) -> NoReturn:
    """End the process on the exit line, or once nobody holds the other end."""
    pending = b""
    while chunk := os.read(descriptor, 4096):
        *lines, pending = (pending + chunk).split(b"\n")
        if any(line.strip() == EXIT_LINE for line in lines):
            os._exit(0)
    os._exit(START_ERROR)


def take_stdin() -> int:
    """Return a descriptor of our stdin and leave the library a silent one.

    The library reads the child protocol too, but can only end its own loop
    and not this process.
    """
    ours = os.dup(0)
    silent, held_open = os.pipe()
    os.dup2(silent, 0)
    os.close(silent)
    os.set_inheritable(held_open, False)
    return ours


def watch_while_loading(descriptor: int) -> Callable[[], None]:
    """Have the kernel end this process when stdin stirs; return how to stop that."""
    if sys.platform != "linux":
        return lambda: None
    import fcntl

    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([descriptor], [], [], 0)[0]:
        # It stirred before the kernel was watching.
        end_on_stdin(descriptor)

    def stop() -> None:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)

    return stop


def serve(given: Iterable[tuple[str, str]], api_key: str | None) -> NoReturn:
    """Load the model, then serve until told to end; does not return."""
    # Imported only once the command line is known to be good: it takes 0.1 s.
    import xllamacpp

    # The default action, not KeyboardInterrupt: it needs no interpreter either.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    params = xllamacpp.CommonParams()
    apply(params, given)
    if api_key:
        params.api_keys = [api_key]
    stdin = take_stdin()
    stop_watching = watch_while_loading(stdin)
    try:
        server = xllamacpp.Server(params)  # noqa: F841 - bound while we live: its end would hang
    except (RuntimeError, ValueError) as error:
        # Its log has told the cause already.
        fail(str(error), START_ERROR)
    stop_watching()
    end_on_stdin(stdin)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong as the real engine does and end."""
    sys.stderr.write(f"error: {message}\n")
    # Not os._exit: a thread of the library writes its log, which holds the cause,
    # and only the proper end waits for it. No server stands that could hang here.
    sys.exit(code)


def main() -> None:
    """Run as a program."""
    try:
        serve(parse(sys.argv[1:]), os.environ.get("LLAMA_API_KEY"))
    except UsageError as error:
        fail(str(error), USAGE_ERROR)


if __name__ == "__main__":
    main()
