from __future__ import annotations

import sys
from math import inf

from llama_runner.platforms.open_files import allow_open_files

if sys.platform == "win32":

    def test_there_is_no_limit() -> None:
        assert allow_open_files(10**6) == inf

else:
    import resource

    from tests.support.open_files import soft_limit

    def test_the_limit_is_raised_to_what_is_wanted() -> None:
        with soft_limit(500):
            assert allow_open_files(1000) == 1000
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1000

    def test_a_limit_that_suffices_is_left_alone() -> None:
        with soft_limit(500):
            assert allow_open_files(400) == 500

    def test_more_than_the_system_allows_is_not_had() -> None:
        with soft_limit(500) as hard:
            allowed = allow_open_files(2**40)
            assert allowed in (hard, 500)  # where "no limit" is not to be had all the same
            assert allowed == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
