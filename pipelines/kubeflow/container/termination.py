"""What a step does when its pod is told to go: Kubernetes sends SIGTERM, and SIGKILL after a grace period.

Trainings keep their state after every epoch, so nothing is left to write; what
must happen is that the executor's own clean-up runs (it has worker processes),
and that the step does not count as done.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM arrived. Not an `Exception`, so that nobody takes it for a failure to go on from."""


@contextlib.contextmanager
def raising_terminated() -> Iterator[None]:
    """Raises `Terminated` in the main thread on SIGTERM, as soon as it is back from what it computes."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        # Once: a second signal must not interrupt the clean-up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
