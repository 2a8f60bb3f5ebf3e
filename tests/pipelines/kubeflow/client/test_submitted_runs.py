"""Runs are found by their labels and stopped; over real HTTP, with the SDK's client."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pipelines.kubeflow.client.connection import Connection, Server, Timeouts, connect
from pipelines.kubeflow.client.submission import SubmissionRequest, submit
from pipelines.kubeflow.client.submitted_runs import terminate_run, unfinished_runs


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, timeouts=Timeouts(pause_seconds=0.05)))


@pytest.fixture
def request_(small_package: str) -> SubmissionRequest:
    return SubmissionRequest("digits", small_package)


def test_unfinished_runs_are_found_by_their_labels_and_stopped(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    labels = [
        {"ref": "refs/heads/a_b"},
        {"ref": "refs/heads/axb"},
        {"ref": "refs/heads/a_b"},
        {"ref": "refs/heads/a_b"},
    ]
    runs = [
        submit(dataclasses.replace(request_, labels=own, idempotency_key=str(index)), connection)
        for index, own in enumerate(labels)
    ]
    kfp_server.move_run(runs[0].run_id, "SUCCEEDED")
    pending = unfinished_runs(connection, {"ref": "refs/heads/a_b"})
    assert {run.run_id for run in pending} == {runs[2].run_id, runs[3].run_id}
    terminate_run(runs[2].run_id, connection)
    assert kfp_server.kinds["runs"][runs[2].run_id]["state"] == "CANCELING"


def test_stopping_what_has_ended_or_never_was_is_no_error(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    run = submit(request_, connection)
    kfp_server.move_run(run.run_id, "FAILED")
    terminate_run(run.run_id, connection)
    terminate_run("00000000-0000-0000-0000-000000000000", connection)
    assert kfp_server.runs[0]["state"] == "FAILED"
