"""The shape of app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import (
    ByteCount,
    HostText,
    PathText,
    Port,
    Seconds,
    SecondsOrNone,
)
from llama_runner.config.other_stores import OTHER_STORES, OtherStore
from llama_runner.config.limits import LimitsConfig
from llama_runner.config.logs import LoggingConfig
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.config.security import SecurityConfig
from llama_runner.config.setting import INTERNAL, documented
from llama_runner.config.slot_archive import SlotArchiveConfig
from llama_runner.config.store import StoreConfig

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
        metadata=documented(
            "Further folders with GGUF files, searched after `models.dir`; one that is laid out "
            "as Ollama's store or the Hugging Face cache is read as such."
        ),
    )
    other_stores: tuple[OtherStore, ...] | None = field(
        default=None,
        metadata=documented(
            "Programs whose models are served where they lie: `ollama`, `lmstudio`, `huggingface`; "
            "null for all three, or for none where `--models-dir` names the folder to serve."
        ),
    )

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores of other programs to look at, where nothing on the command line says else."""
        return OTHER_STORES if self.other_stores is None else self.other_stores


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
class MemoryConfig:
    """What of the memory is not for models."""

    reserve_ram: ByteCount = field(
        default=1_073_741_824,
        metadata=documented("Bytes of RAM that stay free when a model is loaded."),
    )
    reserve_gpu: ByteCount = field(
        default=536_870_912,
        metadata=documented("Bytes of each GPU that stay free when a model is loaded."),
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
    slot_archive: SlotArchiveConfig = field(
        default=SlotArchiveConfig(),
        metadata=documented("What of the prompts outlives the end of a model."),
    )
    store: StoreConfig = field(
        default=StoreConfig(), metadata=documented("Where models are fetched from.")
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
