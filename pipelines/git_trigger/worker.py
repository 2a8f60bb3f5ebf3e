"""The process that starts the runs of one push: it reads its job from standard input and writes the result to
standard output.

What a sender chose is in that text alone, never in an argument or the environment of a
process. When standard input ends, the dispatcher is gone, and the process ends, too.
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

from learn2compress.command_line.streams import quiet_libraries
from learn2compress.config.parsing import ConfigError
from learn2compress.report.plain_text import on_one_line
from pipelines.git_trigger.git_program import TryAgainError
from pipelines.git_trigger.outcome import FileOutcome, FileState
from pipelines.git_trigger.submitter import TriggerRequest, trigger

COMMAND = ("-m", "pipelines.git_trigger.worker")

# Answering goes before compiling.
_NICENESS = 10


class JobStatus(StrEnum):
    """How a job ended."""

    DONE = "done"
    AGAIN = "again"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class PushJob:
    """One push to start the runs of.

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
        """Returns one line of JSON."""
        return TypeAdapter(PushJob).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> PushJob:
        """Returns what `to_json` was made from."""
        return TypeAdapter(PushJob).validate_json(text)


@dataclasses.dataclass(frozen=True)
class JobResult:
    """What became of a job.

    Attributes:
      status: In one word.
      detail: Why it did not get to the files; "" if it did.
      files: What became of each.
    """

    status: JobStatus
    detail: str = ""
    files: tuple[FileOutcome, ...] = ()

    def to_json(self) -> str:
        """Returns one line of JSON."""
        return TypeAdapter(JobResult).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> JobResult:
        """Returns what `to_json` was made from."""
        return TypeAdapter(JobResult).validate_json(text)


def run_job(request: TriggerRequest, token: str | None) -> JobResult:
    """Starts the runs of a push.

    Args:
      request: The push.
      token: For the Git server.

    Returns:
      How it ended; whatever stood in the way of it is in there.
    """
    try:
        files = trigger(request, token)
    except ConfigError as error:
        return JobResult(JobStatus.REFUSED, on_one_line(str(error)))
    except TryAgainError as error:
        return JobResult(JobStatus.AGAIN, on_one_line(str(error)))
    waiting = any(outcome.state is FileState.WAITING for outcome in files)
    return JobResult(JobStatus.AGAIN if waiting else JobStatus.DONE, files=files)


def main() -> None:
    """Runs the job that standard input holds."""
    job = PushJob.from_json(sys.stdin.readline())
    threading.Thread(target=_exit_with, args=(sys.stdin,), daemon=True).start()
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (job.memory_bytes, job.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet_libraries()
    with _locked(job.lock_file), _redirected_output() as output:
        output.write(run_job(job.request, job.token).to_json())
        output.flush()
    # Not a return: threads of TensorFlow that still wait for something would keep the process.
    os._exit(0)


def _exit_with(stream: TextIO) -> None:
    stream.read()
    os._exit(1)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _redirected_output() -> Iterator[TextIO]:
    """Yields standard output for the result alone; what libraries print goes to standard error."""
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(kept, "w") as output:
        yield output


if __name__ == "__main__":
    main()
