"""These tests are collected where there is a Windows, real or Wine's."""

from __future__ import annotations

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]
