"""What a step does on SIGTERM: its executor's own clean-up runs, and the step does not count as done.

That is, where it gets the time, as in a container of its own. In a pod of Kubeflow
it does not: Argo's executor, the container's first process, signals the launcher's
process group and ends as soon as the launcher has, and the kernel kills the rest.
Trainings keep their state after every epoch, so what is lost is a message, and the
end of the step's record in a mirror: a retry goes on with it, and no reader takes a
record without an end for a step that was done.
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
