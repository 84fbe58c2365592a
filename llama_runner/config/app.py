"""The shape of app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import (
    ByteCount,
    Count,
    HostText,
    Name,
    OriginText,
    PathText,
    Port,
    Seconds,
    SecondsOrNone,
    SecretText,
)
from llama_runner.config.keep_alive import FOREVER, KeepAlive
from llama_runner.config.limits import LimitsConfig
from llama_runner.config.logging import LoggingConfig
from llama_runner.config.memory import MemoryConfig
from llama_runner.config.setting import INTERNAL, documented

# Ports that clients of LM Studio and Ollama try by themselves, and our own.
DEFAULT_PORTS = {"lmstudio": 1234, "ollama": 11434, "dashboard": 8035}


@frozen(kw_only=True)
class EngineConfig:
    """Which llama-server runs the models."""

    path: PathText = field(
        default=r"F:\llm\llama\llama-server.exe",
        metadata=documented(
            "The llama-server to run; when it is not on this machine, or empty, the one on PATH "
            "is taken, else the embedded engine."
        ),
    )


@frozen(kw_only=True)
class ModelFoldersConfig:
    """Where model files lie."""

    dir: PathText = field(
        default=r"F:\llm\llama\models",
        metadata=documented("The folder with GGUF files, usually one subfolder a model."),
    )
    extra_dirs: tuple[PathText, ...] = field(
        default=(),
        metadata=documented("Further folders with GGUF files, searched after `models.dir`."),
    )


@frozen(kw_only=True)
class ListenerConfig:
    """Where one facade listens."""

    enabled: bool = field(
        default=True, metadata=documented("Whether this listener is opened at all.")
    )
    host: HostText = field(
        default="127.0.0.1",
        metadata=documented(
            "The address to listen on; one beyond this machine needs an entry in "
            "`security.api_keys`."
        ),
    )
    port: Port = field(
        metadata=documented(
            "The port to listen on; when the default port is taken by another program the "
            "listener is left out, any other port that is taken ends the start."
        )
    )


@frozen(kw_only=True)
class ListenersConfig:
    """The listeners, one a facade."""

    lmstudio: ListenerConfig = field(
        default=ListenerConfig(port=DEFAULT_PORTS["lmstudio"]),
        metadata=documented("The listener that speaks LM Studio's and OpenAI's API."),
    )
    ollama: ListenerConfig = field(
        default=ListenerConfig(port=DEFAULT_PORTS["ollama"]),
        metadata=documented("The listener that speaks Ollama's API."),
    )
    dashboard: ListenerConfig = field(
        default=ListenerConfig(port=DEFAULT_PORTS["dashboard"]),
        metadata=documented("The listener that serves the dashboard."),
    )


@frozen(kw_only=True)
class SchedulingConfig:
    """How long requests wait, and how many may."""

    load_timeout: Seconds = field(
        default=300.0,
        metadata=documented("Seconds a model may take to load before its start counts as failed."),
    )
    queue_limit: Count = field(
        default=256,
        metadata=documented("Requests that may wait at the same time; the next one is refused."),
    )
    queue_timeout: Seconds = field(
        default=600.0,
        metadata=documented("Seconds a request may wait for its model before it is refused."),
    )
    patience: SecondsOrNone = field(
        default=10.0,
        metadata=documented(
            "Seconds a request waits before the models in its way take no new requests."
        ),
    )
    min_residency: SecondsOrNone = field(
        default=5.0,
        metadata=documented(
            "Seconds for which a model that was just loaded serves the requests that wait for "
            "it, whoever else waits."
        ),
    )
    keep_alive: KeepAlive = field(
        default=FOREVER,
        metadata=documented(
            "Seconds a model stays loaded after its last request; `forever` for as long as no "
            "other model needs its memory."
        ),
    )
    max_loaded: Count | None = field(
        default=None,
        metadata=documented("Models that may be loaded at the same time; null for no limit."),
    )
    memory_wait: SecondsOrNone = field(
        default=5.0,
        metadata=documented(
            "Seconds to wait for memory that an ended model, or another program, holds on to."
        ),
    )
    start_tries: Count = field(
        default=3,
        metadata=documented(
            "Starts of a model that may fail in a row; then whoever asks for it is refused for "
            "a while, and told why."
        ),
    )
    retry_pause: Seconds = field(
        default=1.0,
        metadata=documented(
            "Seconds between a start that failed and the next one; each further failure doubles "
            "them."
        ),
    )
    retry_rest: Seconds = field(
        default=30.0,
        metadata=documented(
            "Seconds for which a model is left alone after `scheduling.start_tries` failures."
        ),
    )
    stall_limit: Seconds = field(
        default=300.0,
        metadata=documented(
            "Seconds for which a model that has requests may neither send, nor log, nor decode "
            "anything before it is ended; no batch of a prompt may take as long."
        ),
    )


@frozen(kw_only=True)
class RelayConfig:
    """How answers are carried back."""

    heartbeat_after: Seconds = field(
        default=1.0,
        metadata=documented(
            "Seconds without a first byte after which a streaming client gets a heartbeat."
        ),
    )
    heartbeat_every: Seconds = field(
        default=5.0,
        metadata=documented("Seconds between two heartbeats while the client still waits."),
    )
    max_answer_bytes: ByteCount = field(
        default=134_217_728,
        metadata=documented(
            "Bytes that the engine's answer may have to a client that does not stream; it is held "
            "until it is whole."
        ),
    )
    max_json_bytes: ByteCount = field(
        default=8_388_608,
        metadata=documented(
            "Bytes a request's body may have without those of its strings that have over 64 KiB: "
            "this much is parsed in one step, in which nobody else has a turn."
        ),
    )
    cancel_bound: Seconds = field(
        default=30.0,
        metadata=documented(
            "Seconds a slot may stay busy after its client has left before that is reported."
        ),
    )


@frozen(kw_only=True)
class ApiKey:
    """A key that lets a client in, under a name to tell it by."""

    name: Name = field(metadata=documented("What the key is called in logs; never secret."))
    key: SecretText = field(
        repr=False,
        metadata=documented("The key itself, sent by clients as `Authorization: Bearer …`."),
    )


@frozen(kw_only=True)
class SecurityConfig:
    """Who may talk to us."""

    api_keys: tuple[ApiKey, ...] = field(
        default=(),
        metadata=documented("Keys of which a client must send one; with none, no key is asked."),
    )
    allowed_hosts: tuple[HostText, ...] = field(
        default=(),
        metadata=documented("Names in a request's Host header to accept besides loopback ones."),
    )
    allowed_origins: tuple[OriginText, ...] = field(
        default=(),
        metadata=documented("Origins of web pages that may call us from a browser."),
    )


@frozen(kw_only=True)
class ShutdownConfig:
    """How the program ends."""

    grace: SecondsOrNone = field(
        default=3.0,
        metadata=documented("Seconds that running answers may still take once a stop was asked."),
    )


@frozen(kw_only=True)
class AppConfig:
    """app_config.json, whole and valid."""

    engine: EngineConfig = field(
        default=EngineConfig(), metadata=documented("Which llama-server runs the models.")
    )
    models: ModelFoldersConfig = field(
        default=ModelFoldersConfig(), metadata=documented("Where model files lie.")
    )
    listeners: ListenersConfig = field(
        default=ListenersConfig(), metadata=documented("The listeners, one a facade.")
    )
    scheduling: SchedulingConfig = field(
        default=SchedulingConfig(),
        metadata=documented("How long requests wait, and how many may."),
    )
    memory: MemoryConfig = field(
        default=MemoryConfig(), metadata=documented("What of the memory is not for models.")
    )
    relay: RelayConfig = field(
        default=RelayConfig(), metadata=documented("How answers are carried back.")
    )
    security: SecurityConfig = field(
        default=SecurityConfig(), metadata=documented("Who may talk to us.")
    )
    limits: LimitsConfig = field(
        default=LimitsConfig(),
        metadata=documented("What one client may cost, for each listener."),
    )
    shutdown: ShutdownConfig = field(
        default=ShutdownConfig(), metadata=documented("How the program ends.")
    )
    logging: LoggingConfig = field(
        default=LoggingConfig(), metadata=documented("What is written to the log files.")
    )
    # What the command line gave: "models_dir", or the port of "lmstudio", "ollama", "dashboard".
    given: frozenset[str] = field(default=frozenset(), metadata=INTERNAL)

    def insists_on_port(self, listener: str) -> bool:
        """Tell whether this listener must have its port, or the start ends.

        A default port that is taken is normal (a running Ollama); one that
        somebody chose is not.
        """
        wanted: ListenerConfig = getattr(self.listeners, listener)
        return listener in self.given or wanted.port != DEFAULT_PORTS[listener]
