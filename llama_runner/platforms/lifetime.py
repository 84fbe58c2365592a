"""What the system itself does so that nothing outlives this process.

On Windows the first process of ours, the bootstrap or the program, joins a job
that ends with it. Each of the two joins one of its own: when the program is
killed its engines end at once and not only with the bootstrap, and when the
bootstrap is killed the program ends too. POSIX systems have nothing of the kind
that is fit for us; there a watcher does it (``runner.lifeline``).

Standard library only: the bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable


def end_children_with_us(say: Callable[[str], None]) -> None:
    """Have Windows end whatever we start when we end; ``say`` tells of a refusal.

    Call it before anything is started. A refusal is no reason not to serve:
    what a crash then leaves behind is found at the next start.
    """
    if sys.platform == "win32":
        from llama_runner.platforms.job_object import join_lifetime_job

        try:
            join_lifetime_job()
        except OSError as error:
            say(f"warning: engines may outlive a crash of this program: {error}")
