"""The process that works one push: told on standard input what to do, it says on standard output how it went.

What a sender chose is in that text alone, never in an argument or the environment of a
process. When standard input ends, whoever gave the order is gone, and so are we.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import resource
import sys
import threading
from collections.abc import Iterator
from enum import StrEnum
from typing import TextIO

from pydantic import TypeAdapter

from learn2compress.config.parsing import ConfigError
from pipelines.command_options import quiet_libraries
from pipelines.git_trigger.git_program import TryAgainError
from pipelines.git_trigger.outcome import FileOutcome, FileState, one_line
from pipelines.git_trigger.submitter import TriggerRequest, trigger

COMMAND = ("-m", "pipelines.git_trigger.work")

# Answering goes before compiling.
_NICENESS = 10


class WorkEnd(StrEnum):
    """How the work on a push ended."""

    DONE = "done"
    AGAIN = "again"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class WorkOrder:
    """What to do.

    Attributes:
      request: The push.
      token: For the Git server.
      lock_file: To hold meanwhile.
      memory_bytes: What the process may use.
    """

    request: TriggerRequest
    token: str | None
    lock_file: str
    memory_bytes: int

    def to_json(self) -> str:
        """One line."""
        return TypeAdapter(WorkOrder).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> WorkOrder:
        """Reads `to_json`."""
        return TypeAdapter(WorkOrder).validate_json(text)


@dataclasses.dataclass(frozen=True)
class WorkResult:
    """How it went.

    Attributes:
      end: In one word.
      detail: Why it did not get to the files; "" if it did.
      files: What became of each.
    """

    end: WorkEnd
    detail: str = ""
    files: tuple[FileOutcome, ...] = ()

    def to_json(self) -> str:
        """One line."""
        return TypeAdapter(WorkResult).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> WorkResult:
        """Reads `to_json`."""
        return TypeAdapter(WorkResult).validate_json(text)


def work(request: TriggerRequest, token: str | None) -> WorkResult:
    """Works a push."""
    try:
        files = trigger(request, token)
    except ConfigError as error:
        return WorkResult(WorkEnd.REFUSED, one_line(str(error)))
    except TryAgainError as error:
        return WorkResult(WorkEnd.AGAIN, one_line(str(error)))
    waiting = any(outcome.state is FileState.WAITING for outcome in files)
    return WorkResult(WorkEnd.AGAIN if waiting else WorkEnd.DONE, files=files)


def main() -> None:
    """Does what standard input says."""
    order = WorkOrder.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with, args=(sys.stdin,), daemon=True).start()
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (order.memory_bytes, order.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet_libraries()
    with _locked(order.lock_file), _standard_output_kept() as output:
        output.write(work(order.request, order.token).to_json())
        output.flush()
    # Not a return: threads of TensorFlow that still wait for something would keep the process.
    os._exit(0)


def _end_with(stream: TextIO) -> None:
    stream.read()
    os._exit(1)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _standard_output_kept() -> Iterator[TextIO]:
    """Standard output for us; what libraries print goes to standard error."""
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(kept, "w") as output:
        yield output


if __name__ == "__main__":
    main()
