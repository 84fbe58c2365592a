"""Who waits how long, and what stays loaded: the shape of app_config.json's `scheduling`."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import Count, Seconds, SecondsOrNone
from llama_runner.config.keep_alive import FOREVER, KeepAlive
from llama_runner.config.larger_context import CLAMP, LargerContext
from llama_runner.config.setting import documented


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
    larger_context: LargerContext = field(
        default=CLAMP,
        metadata=documented(
            "What is done where a client wants more context (Ollama's `num_ctx`) than a model "
            "has: `clamp` serves it with what there is, and says so; `grow` loads the model again "
            "with more, once it is idle; `refuse` refuses it."
        ),
    )
    max_loaded: Count | None = field(
        default=None,
        metadata=documented("Models that may be loaded at the same time; null for no limit."),
    )
    share_prompts: bool = field(
        default=False,
        metadata=documented(
            "Whether a client may be given what a slot holds of another client's prompt, where "
            "both begin alike. It saves time; and by that time a client can tell that somebody "
            "has asked something that begins so."
        ),
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
            "them, up to `scheduling.retry_rest`."
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
