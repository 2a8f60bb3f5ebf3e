"""What a step does when its pod is told to go: Kubernetes sends SIGTERM, and SIGKILL after a grace period.

Trainings keep their state after every epoch, so nothing is left to write; what
must happen is that the executor's own clean-up runs (it has worker processes),
and that the step does not count as done.
"""

from __future__ import annotations

import contextlib
import signal

from learn2compress.stop_signals import raising

EXIT_CODE = 128 + signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM arrived. Not an `Exception`, so that nobody takes it for a failure to go on from."""


def raising_terminated() -> contextlib.AbstractContextManager[None]:
    """Returns a block in which SIGTERM raises `Terminated` in the main thread, as soon as it is back from C++."""
    return raising(Terminated, signal.SIGTERM, is_once=True)
