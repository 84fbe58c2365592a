"""The ``logging`` part of app_config.json."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.forms import ByteCount, Count, LogLevel, PathText
from llama_runner.config.setting import documented


@frozen(kw_only=True)
class LoggingConfig:
    """What is written to the log files."""

    level: LogLevel = field(
        default="INFO", metadata=documented("The least serious messages that are still logged.")
    )
    dir: PathText = field(
        default="logs",
        metadata=documented(
            "The folder for the log files, relative to the one that holds main.py; two programs "
            "at the same time need one each."
        ),
    )
    max_file_bytes: ByteCount = field(
        default=10_485_760,
        metadata=documented("Bytes a log file may have before the next one is begun."),
    )
    max_files: Count = field(
        default=10, metadata=documented("Log files that are kept; the oldest go first.")
    )
