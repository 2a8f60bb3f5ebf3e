"""The process that works one push: what it is told, what it answers, and that it ends with its dispatcher."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.git_trigger.outcome import FileOutcome, FileState
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.submitter import TriggerRequest
from pipelines.git_trigger.worker import COMMAND, JobResult, JobStatus, PushJob, run_job

COMMIT = "a" * 40


def test_a_process_whose_dispatcher_is_gone_ends(silent_server: str, tmp_path: Path) -> None:
    request = TriggerRequest(Push(f"{silent_server}.git", "refs/heads/main", COMMIT, None))
    job = PushJob(request, None, str(tmp_path / "work"), 2 * 1024**3)
    process = subprocess.Popen([sys.executable, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate(f"{job.to_json()}\n")  # and closes the pipe
    assert (process.returncode, output) == (1, "")


def test_a_job_and_its_result_survive_json(tmp_path: Path) -> None:
    request = TriggerRequest(Push("https://example.com/a/b", "refs/heads/main", COMMIT, "b" * 40))
    job = PushJob(request, "a token", str(tmp_path), 1)
    assert PushJob.from_json(job.to_json()) == job
    result = JobResult(JobStatus.AGAIN, files=(FileOutcome("l2c.yaml", FileState.WAITING, "the teacher is away"),))
    assert JobResult.from_json(result.to_json()) == result


@pytest.mark.parametrize(
    ("url", "commit", "status"),
    [
        ("http://127.0.0.1:9/team/models.git", COMMIT, JobStatus.AGAIN),
        (None, "HEAD:l2c.yaml", JobStatus.REFUSED),
        (None, "HEAD", JobStatus.DONE),
    ],
)
def test_a_job_ends_as_its_push_deserves(repository: Any, url: str | None, commit: str, status: JobStatus) -> None:
    repository.commit({"l2c.yaml": "a: b"})
    found = commit if url else repository.git("rev-parse", commit)
    push = Push(url or str(repository.folder), "refs/heads/main", found, None)
    result = run_job(TriggerRequest(push), None)
    assert result.status is status, result
    assert bool(result.detail) == (status is not JobStatus.DONE)
    assert [outcome.state for outcome in result.files] == [FileState.REFUSED] * (status is JobStatus.DONE)
