"""One request gives one run, whatever the server does; over real HTTP, with the SDK's client."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, Server, Timeouts, UnavailableError, connect
from pipelines.kubeflow.client.submission import (
    SubmissionRequest,
    find_submitted,
    submission_digest,
    submit,
    unfinished_runs,
)

PATIENT = Timeouts(pause_seconds=0.05)
HASTY = Timeouts(read_seconds=0.5, pause_seconds=0.05)  # for a server that does not answer


@pytest.fixture
def request_(small_package: str) -> SubmissionRequest:
    return SubmissionRequest("digits", small_package, {"epochs": 3}, description="For people.")


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, timeouts=PATIENT))


def test_a_run_is_created_with_what_it_needs(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    run = submit(
        dataclasses.replace(request_, labels={"ref": "refs/heads/c++ 100%"}, service_account="steps"), connection
    )
    (stored,) = kfp_server.runs
    (version,) = kfp_server.kinds["pipeline_versions"].values()
    (experiment,) = kfp_server.kinds["experiments"].values()
    assert run.is_new
    assert run.url == f"{kfp_server.url}/#/runs/details/{run.run_id}"
    assert (stored["run_id"], stored["display_name"]) == (run.run_id, run.name)
    assert stored["pipeline_version_reference"]["pipeline_version_id"] == version["pipeline_version_id"]
    assert stored["runtime_config"] == {"parameters": {"epochs": 3}}
    assert stored["service_account"] == "steps"
    assert stored["experiment_id"] == experiment["experiment_id"]
    assert experiment["display_name"] == "digits"
    assert stored["description"].startswith("For people.")
    assert version["description"].startswith("For people.\n\nl2c/ref: refs/heads/c++ 100%")


def test_the_same_content_is_the_same_run(kfp_server: Any, connection: Connection, request_: SubmissionRequest) -> None:
    first, again = submit(request_, connection), submit(request_, connection)
    assert (again.run_id, again.is_new) == (first.run_id, False)
    assert len(kfp_server.runs) == 1


@pytest.mark.parametrize(
    "change", [{"parameters": {"epochs": 4}}, {"experiment": "other"}, {"service_account": "b"}, {"pipeline": "c"}]
)
def test_other_content_is_another_run(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest, change: dict[str, Any]
) -> None:
    assert submit(request_, connection).run_id != submit(dataclasses.replace(request_, **change), connection).run_id
    assert len(kfp_server.runs) == 2


def test_with_a_key_the_content_does_not_matter(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    request = dataclasses.replace(request_, idempotency_key="push 1")
    first = submit(request, connection)
    found = find_submitted(submission_digest(dataclasses.replace(request, package=""), ""), connection)
    assert found is not None
    assert found.run_id == first.run_id
    assert submit(dataclasses.replace(request, parameters={"epochs": 9}), connection).run_id == first.run_id
    assert submit(dataclasses.replace(request, idempotency_key="push 2"), connection).is_new


@pytest.mark.parametrize("how", ["500", "500 after", "hang after", "reset", "reset after"])
@pytest.mark.parametrize(
    "call", ["POST /runs", "POST /experiments", "POST /pipelines", "POST /pipelines/upload_version", "GET /.*"]
)
def test_one_run_comes_of_it_whatever_fails(kfp_server: Any, request_: SubmissionRequest, call: str, how: str) -> None:
    connection = connect(Server(kfp_server.url, timeouts=HASTY if how == "hang after" else PATIENT))
    kfp_server.fail(call, how, times=2)
    run = submit(request_, connection)
    assert run.is_new
    (stored,) = kfp_server.runs
    assert stored["run_id"] == run.run_id
    assert [len(kfp_server.kinds[kind]) for kind in ("experiments", "pipelines", "pipeline_versions")] == [1, 1, 1]


def test_of_ten_at_once_one_run_stays(kfp_server: Any, request_: SubmissionRequest) -> None:
    connections = [connect(Server(kfp_server.url, timeouts=PATIENT)) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda own: submit(request_, own), connections))
    oldest = min(kfp_server.runs, key=lambda run: (run["created_at"], run["run_id"]))
    assert [run["run_id"] for run in kfp_server.runs if run["state"] == "PENDING"] == [oldest["run_id"]]
    assert submit(request_, connections[0]).run_id == oldest["run_id"]
    assert [len(kfp_server.kinds[kind]) for kind in ("experiments", "pipelines", "pipeline_versions")] == [1, 1, 1]


def test_a_submitter_that_was_killed_keeps_nobody_waiting(kfp_server: Any, request_: SubmissionRequest) -> None:
    hasty = connect(Server(kfp_server.url, timeouts=Timeouts(total_seconds=0.5, pause_seconds=0.05)))
    kfp_server.fail("POST /runs", "500", times=1000)
    with pytest.raises(UnavailableError):
        submit(request_, hasty)
    assert not kfp_server.runs
    kfp_server.mend()
    kfp_server.calls.clear()
    assert submit(request_, hasty).is_new
    assert len(kfp_server.runs) == len(kfp_server.kinds["pipeline_versions"]) == 1
    assert kfp_server.calls["GET /runs"] == 2  # before it creates, and after


def test_of_two_runs_of_a_request_the_younger_is_stopped(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    first = submit(request_, connection)
    kfp_server.kinds["runs"][first.run_id]["created_at"] = "2020-01-01T00:00:00Z"
    stored = kfp_server.kinds["runs"].pop(first.run_id)
    kfp_server.after("POST /runs", lambda: kfp_server.kinds["runs"].update({first.run_id: stored}))
    assert submit(request_, connection).run_id == first.run_id
    assert [run["state"] for run in kfp_server.runs if run["run_id"] != first.run_id] == ["CANCELING"]


def test_a_description_cannot_pretend_to_be_another_run(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    digest = submission_digest(request_, "")
    pretending = dataclasses.replace(request_, description=f"l2c: {digest[:32]}", idempotency_key="another")
    submit(pretending, connection)
    assert find_submitted(digest, connection) is None
    assert submit(request_, connection).is_new


def test_what_is_too_long_for_the_server_is_shortened(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    labels = {f"label-{number}": "é" * 300 for number in range(8)}
    request = dataclasses.replace(request_, run_name="n" * 300, description="d" * 3000, labels=labels)
    assert submit(request, connection).is_new
    assert submit(request, connection).run_id == kfp_server.runs[0]["run_id"]
    assert len(unfinished_runs(connection, labels)) == 1
    with pytest.raises(ConfigError, match="--experiment: found 129 characters"):
        submit(dataclasses.replace(request_, experiment="e" * 129), connection)
