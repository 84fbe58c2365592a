"""What the architecture allows to whom, each exception with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

P = "llama_runner/"

# The modules in whose nurseries tasks run. A new one is added here on purpose.
TASK_OWNERS: Mapping[str, str] = MappingProxyType(
    {
        P + "main.py": "the tree's root: listeners, runners, signals",
        P + "commands/start.py": "runs the tree beside its signals and announces it",
        P + "commands/waiting.py": "tells how long a command has waited for an answer",
        P + "proxy_manager.py": "one task for each listener",
        P + "websocket_manager.py": "one session's reader, and its end with the program",
        P + "runner_manager.py": "one task for each runner",
        P + "lending/taking_back.py": "the watchers of a runner's slots",
        P + "runner/runner.py": "the readers and watchers of one child",
        P + "runner/lifeline.py": "keeps the watcher of our children",
        P + "runner/journal.py": "writes down what we have started",
        P + "http/listener.py": "one door, until the stop",
        P + "http/door.py": "one task for each connection, in the listener's nursery",
        P + "http/front.py": "each connection's always-reading task, and one that ends the idle",
        P + "http/application.py": "feeds one request to Hypercorn's protocol",
        P + "lending/stall_watch.py": "one watcher of progress for each runner",
        P + "relay/pulse.py": "one task for the heartbeats of all clients",
        P + "logs/log.py": "one drain for each place where log lines go",
        P + "store/download.py": "the connections over which one file comes",
        P + "store/store.py": "one task for each change of the store, which outlives who asked",
        P + "store/pulls.py": "one task for each model that is being fetched",
        P + "concurrency/first.py": "races waits, all of which end before it returns",
    }
)

# Where every error is caught, bugs included (design: the fault boundaries).
FAULT_BOUNDARIES: Mapping[str, str] = MappingProxyType(
    {
        P + "http/connection.py": "the connection, for a relayed request",
        P + "facades/openai/quart_routes.py": "the connection, for a request that Quart serves",
        P + "facades/dashboard/app.py": "the connection, for a request that Quart serves",
        P + "facades/ollama/error_answers.py": "the connection, for a request that Quart serves",
        P + "logs/handler.py": "a log call never fails its caller, whatever its arguments do",
    }
)

BANNED: Mapping[str, str] = MappingProxyType(
    {
        "asyncio": "Trio owns the process",
        "anyio": "Trio owns the process",
        "trio.lowlevel.spawn_system_task": "tasks belong to a nursery",
        "trio.lowlevel.start_guest_run": "a loop of its own starves ours",
        "threading.Thread": "threads belong to a nursery: trio.to_thread.run_sync",
        "threading.Timer": "threads belong to a nursery: trio.to_thread.run_sync",
        "_thread": "threads belong to a nursery: trio.to_thread.run_sync",
        "concurrent.futures": "threads belong to a nursery: trio.to_thread.run_sync",
        "multiprocessing": "children are runners",
        "time.sleep": "it stops the whole loop: trio.sleep",
        "subprocess.Popen": "a child is a task: trio.lowlevel.open_process",
        "os.fork": "a child is a task: trio.lowlevel.open_process",
        "os.popen": "a child is a task: trio.lowlevel.open_process",
        "os.system": "a child is a task: trio.lowlevel.open_process",
    }
)

# A library, and the only folders and files that import it.
ONLY_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "quart": (P + "facades/",),
        "quart_trio": (P + "facades/",),
        "werkzeug": (P + "facades/",),
        "hypercorn": (P + "http/",),
        "h11": (P + "wire/", P + "http/application.py"),
        "httpx": tuple(
            P + f"{name}.py"
            for name in (
                *("runner/child_client", "runner/control", "runner/slot_files"),
                *("store/web", "store/sources", "commands/ollama_port"),
            )
        ),
        "cattrs": (P + "config/converter.py",),
        "orjson": (
            *(P + "facades/", P + "relay/", P + "websocket_manager.py"),
            *(P + "runner/child_client.py", P + "wire/long_strings.py"),
        ),
        "platformdirs": (P + "platforms/",),
        "pynvml": (P + "memory/gpu.py",),
        "subprocess": (
            *(P + "runner/process_posix.py", P + "runner/process_windows.py"),
            P + "runner/lifeline.py",
            # Runs pip once, before the Trio tree exists.
            P + "embedded_model.py",
        ),
        "multiprocessing": (),
        "xllamacpp": (P + "embedded.py",),
    }
)

# They neither wait nor do they know that others do; what they import does not either.
PURE: tuple[str, ...] = (
    *("scheduling", "config", "config_loader", "cli", "wire", "errors"),
    *("catalog.gguf", "catalog.card", "catalog.names", "catalog.catalog"),
    *(
        "relay.joined",
        "relay.media",
        "relay.conversations",
        "lending.slots",
        "relay.progress_filter",
        "relay.relay_request",
    ),
    *("archive.entry", "archive.index", "archive.verdict"),
    *("relay.refusal", "relay.usage", "relay.stream_end"),
    *("relay.whole_answer", "relay.whole_events"),
    *("runner.command", "runner.context", "runner.diagnosis", "runner.environment"),
    "runner.child_protocol",
    *("facades.openai.errors", "facades.openai.models", "facades.openai.dialect"),
    *("events.event", "http.access", "logs.line", "logs.layout", "logs.rotating_file"),
)
NOT_PURE = frozenset({"trio", "httpx", "quart", "quart_trio", "hypercorn", "asyncio"})
