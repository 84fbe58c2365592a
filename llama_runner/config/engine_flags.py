"""Which of llama-server's flags a model's ``parameters`` may hold."""

from __future__ import annotations

import re
from typing import Annotated, Any

from attrs import field, frozen

from llama_runner.config.constraint import Text, is_number, mismatch

# Flags that only the runner may set (where the child listens, what it serves,
# who may use it), that would open the machine to a prompt (tools), that would
# fetch from the network, or that print something and exit.
OWNED_FLAGS = frozenset("""
    agent alias api-key api-key-file api-prefix cache-list completion-bash cors-credentials
    cors-headers cors-methods cors-origins docker-repo help hf-file hf-file-v hf-repo
    hf-repo-draft hf-repo-v hf-token host list-devices log-colors log-disable log-file log-jsonl
    mcp-servers-config mcp-servers-json media-path mmproj mmproj-auto mmproj-url model model-url
    models-autoload models-dir models-max models-preset no-agent no-cors-credentials
    no-log-jsonl no-mmproj no-mmproj-auto no-models-autoload no-slots no-ui no-ui-mcp-proxy
    no-webui no-webui-mcp-proxy offline path port props reuse-port sleep-idle-seconds
    slot-save-path slots spec-draft-hf sse-ping-interval ssl-cert-file ssl-key-file tools
    tools-runtime ui ui-config ui-config-file ui-mcp-proxy usage version webui webui-config
    webui-config-file webui-mcp-proxy
    """.split())

# What people type from habit, with the long name that we want instead.
SHORT_FLAGS = {
    "b": "batch-size",
    "c": "ctx-size",
    "cb": "cont-batching",
    "cmoe": "cpu-moe",
    "cram": "cache-ram",
    "ctk": "cache-type-k",
    "ctv": "cache-type-v",
    "dev": "device",
    "fa": "flash-attn",
    "kvu": "kv-unified",
    "lv": "verbosity",
    "md": "spec-draft-model",
    "mg": "main-gpu",
    "n": "predict",
    "ncmoe": "n-cpu-moe",
    "ngl": "gpu-layers",
    "nkvo": "no-kv-offload",
    "nocb": "no-cont-batching",
    "np": "parallel",
    "ot": "override-tensor",
    "s": "seed",
    "sm": "split-mode",
    "t": "threads",
    "tb": "threads-batch",
    "ts": "tensor-split",
    "ub": "ubatch-size",
    "v": "verbose",
}

_LONG_NAME = Text("a long flag name of llama-server", r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")
_ARGUMENT = Text("a string", r"[^\u0000]*")


@frozen
class FlagName:
    """A long flag name of llama-server, without its dashes, that is not ours to set."""

    expected: str = field(
        default='a long flag name of llama-server without its dashes, such as "ctx-size"',
        init=False,
    )
    secret: bool = field(default=False, init=False)

    def objection(self, value: Any) -> str | None:
        """Refuse other spellings, short names and flags that are ours."""
        if value in OWNED_FLAGS:
            return "this flag is set by the program itself; take it out"
        if value in SHORT_FLAGS:
            return f'expected the long name of this flag, "{SHORT_FLAGS[value]}"'
        if _LONG_NAME.objection(value) is None:
            return None
        bare = re.sub(r"[_\s]+", "-", str(value).strip().lstrip("-").lower())
        bare = SHORT_FLAGS.get(bare, bare)
        meant = f'; did you mean "{bare}"?' if _LONG_NAME.objection(bare) is None else ""
        return mismatch(self.expected, value) + meant

    def schema(self) -> dict[str, Any]:
        """Return the pattern and the names that are refused."""
        refused = sorted(OWNED_FLAGS | SHORT_FLAGS.keys())
        return {"pattern": _LONG_NAME.anchored, "not": {"enum": refused}}


@frozen
class FlagValue:
    """What can stand behind a flag on a command line."""

    expected: str = field(default="a string, a number, true or false", init=False)
    secret: bool = field(default=False, init=False)

    def objection(self, value: Any) -> str | None:
        """Refuse null, lists, objects and NUL characters."""
        if isinstance(value, bool) or is_number(value) or _ARGUMENT.objection(value) is None:
            return None
        return mismatch(self.expected, value)

    def schema(self) -> dict[str, Any]:
        """Return the types."""
        return {"type": ["string", "number", "boolean"], "pattern": _ARGUMENT.anchored}


EngineFlag = Annotated[str, FlagName()]
EngineArgument = Annotated[str | int | float | bool, FlagValue()]
