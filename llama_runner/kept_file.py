"""A JSON file of the state folder that keeps for the next start what this run has found out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen

from llama_runner.platforms.private_file import write_private

logger = logging.getLogger(__name__)

T = TypeVar("T")


@frozen
class KeptFile:
    """It is never worth an error: what cannot be read or written is lost, with a warning.

    ``format`` is to be raised when a reader of the same fields would find other values;
    ``what`` names the contents to people.
    """

    path: Path
    _format: int
    _what: str

    def read(self, parse: Callable[[Any], T], otherwise: T) -> T:
        """Return what ``parse`` makes of the fields; ``otherwise`` if there are none of use.

        What ``parse`` raises of a file that was damaged is caught: ValueError, TypeError,
        KeyError, AttributeError.
        """
        try:
            stored = json.loads(self.path.read_bytes())
            return parse(stored) if stored["format"] == self._format else otherwise
        except FileNotFoundError:
            return otherwise
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            logger.warning("%s in %s is ignored: %r", self._what, self.path, error)
            return otherwise

    def text(self, fields: Mapping[str, Any]) -> str:
        """Return what is to be written."""
        return json.dumps({"format": self._format, **fields})

    def write(self, text: str) -> bool:
        """Replace the file, whole or not at all, and say whether that was done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_private(self.path, text)
        except OSError as error:
            logger.warning("%s cannot be kept in %s: %s", self._what, self.path, error)
            return False
        return True
