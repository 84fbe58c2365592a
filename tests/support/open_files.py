"""Few open files, on systems that limit them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

if sys.platform != "win32":
    import resource

    @contextmanager
    def soft_limit(limit: int) -> Iterator[int]:
        """Have this limit while the block lasts; return the hard one."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            yield hard
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    @contextmanager
    def no_more_files() -> Iterator[None]:
        """Refuse every further file while the block lasts."""
        lowest_free = os.dup(0)
        os.close(lowest_free)
        with soft_limit(lowest_free):
            with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                os.dup(0)
            yield
