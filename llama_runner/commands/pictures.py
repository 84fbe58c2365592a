"""Pictures that go with a prompt: named by an option, or by their paths within it."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from llama_runner.errors import ConfigError

# As in a shell: a path may be quoted, or its blanks escaped. Files dropped on a terminal are.
_PATH = re.compile(
    r"""(?:"[^"\n]+?\.(?:jpe?g|png|webp)")|(?:'[^'\n]+?\.(?:jpe?g|png|webp)')"""
    r"""|(?:(?:[A-Za-z]:)?(?:\./|\.\\|/|\\|~/|\b)(?:\\\ |[^\s"'])*\.(?:jpe?g|png|webp)\b)""",
    re.IGNORECASE,
)


def read_picture(path: Path) -> str:
    """Return a picture as requests hold it.

    Raises:
        ConfigError: the file cannot be read.

    """
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise ConfigError("command line", (f"--image: {path}: {error.strerror}",)) from error


def with_pictures(prompt: str) -> tuple[str, tuple[str, ...]]:
    """Return a prompt without the paths of pictures in it, and these pictures.

    A path where there is no file is part of the text.
    """
    pictures: list[str] = []

    def take(found: re.Match[str]) -> str:
        text = found[0].strip("\"'").replace("\\ ", " ")
        path = Path(text).expanduser()
        if not path.is_file():
            return found[0]
        pictures.append(read_picture(path))
        return ""

    rest = _PATH.sub(take, prompt)
    return (rest.strip(), tuple(pictures)) if pictures else (prompt, ())
