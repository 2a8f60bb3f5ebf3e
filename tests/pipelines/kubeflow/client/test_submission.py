"""One request gives one run, whatever the server does; over real HTTP, with the SDK's client."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, Patience, Server, UnavailableError, connect
from pipelines.kubeflow.client.submission import (
    SubmissionRequest,
    find_submitted,
    submission_digest,
    submit,
    terminate_run,
    unfinished_runs,
)

PATIENT = Patience(pause_seconds=0.05)
HASTY = Patience(read_seconds=0.5, pause_seconds=0.05)  # for a server that does not answer
SECRET = "s3cret-token"


@pytest.fixture
def request_(small_package: str) -> SubmissionRequest:
    return SubmissionRequest("digits", small_package, {"epochs": 3}, description="For people.")


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, patience=PATIENT))


@pytest.fixture
def hasty(kfp_server: Any) -> Connection:
    """Gives up within a second, and takes others for dead after three."""
    return connect(Server(kfp_server.url, patience=Patience(total_seconds=0.5, lease_seconds=3.0, pause_seconds=0.05)))


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
    assert version["description"].startswith("For people.\n\nl2c/ref: refs/heads/c++ 100%\n")


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
    connection = connect(Server(kfp_server.url, patience=HASTY if how == "hang after" else PATIENT))
    kfp_server.fail(call, how, times=2)
    run = submit(request_, connection)
    assert run.is_new
    (stored,) = kfp_server.runs
    assert stored["run_id"] == run.run_id
    assert [len(kfp_server.kinds[kind]) for kind in ("experiments", "pipelines", "pipeline_versions")] == [1, 1, 1]


def test_ten_at_once_get_one_run(kfp_server: Any, request_: SubmissionRequest) -> None:
    connections = [connect(Server(kfp_server.url, patience=PATIENT)) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        runs = list(pool.map(lambda own: submit(request_, own), connections))
    assert len(kfp_server.runs) == 1
    assert {run.run_id for run in runs} == {kfp_server.runs[0]["run_id"]}
    assert [run.is_new for run in runs].count(True) == 1


def test_a_dead_submitters_claim_is_taken_over(kfp_server: Any, hasty: Connection, request_: SubmissionRequest) -> None:
    kfp_server.fail("POST /runs", "500", times=1000)
    with pytest.raises(UnavailableError):
        submit(request_, hasty)
    assert not kfp_server.runs
    kfp_server.mend()
    assert submit(request_, hasty).is_new
    names = [version["name"] for version in kfp_server.kinds["pipeline_versions"].values()]
    assert names[1] == names[0] + "-2"


def test_the_same_claimant_need_not_wait(kfp_server: Any, request_: SubmissionRequest) -> None:
    connection = connect(
        Server(kfp_server.url, patience=Patience(total_seconds=0.5, lease_seconds=60.0, pause_seconds=0.05))
    )
    request = dataclasses.replace(request_, claimant="row 7")
    kfp_server.fail("POST /runs", "500", times=1000)
    with pytest.raises(UnavailableError):
        submit(request, connection)
    kfp_server.mend()
    kfp_server.calls.clear()
    assert submit(request, connection).is_new
    assert len(kfp_server.runs) == 1
    assert kfp_server.calls["GET /runs"] < 10  # it looks every second while it waits


def test_a_claim_is_waited_for_as_long_as_its_holder_said(
    kfp_server: Any, hasty: Connection, connection: Connection, request_: SubmissionRequest
) -> None:
    kfp_server.fail("POST /runs", "500", times=1000)
    with pytest.raises(UnavailableError):
        submit(request_, hasty)
    (version,) = kfp_server.kinds["pipeline_versions"].values()
    assert version["description"].endswith(" for 3 s")
    kfp_server.mend()
    kfp_server.calls.clear()
    assert submit(request_, connection).is_new  # whose own lease is two minutes
    assert kfp_server.calls["GET /runs"] < 10


def test_of_two_runs_of_a_request_the_younger_is_stopped(
    kfp_server: Any, connection: Connection, request_: SubmissionRequest
) -> None:
    first = submit(request_, connection)
    kfp_server.kinds["runs"][first.run_id]["created_at"] = "2020-01-01T00:00:00Z"
    stored = kfp_server.kinds["runs"].pop(first.run_id)
    kfp_server.after("POST /runs", lambda: kfp_server.kinds["runs"].update({first.run_id: stored}))
    kfp_server.kinds["pipeline_versions"].clear()
    assert submit(request_, connection).run_id == first.run_id
    assert [run["state"] for run in kfp_server.runs if run["run_id"] != first.run_id] == ["CANCELING"]


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


def test_what_the_server_refuses_is_one_line(connection: Connection, request_: SubmissionRequest) -> None:
    with pytest.raises(ConfigError, match=r"400: .*not defined in the pipeline") as refused:
        submit(dataclasses.replace(request_, parameters={"no_such": 1}), connection)
    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, UnavailableError)


@pytest.mark.parametrize(
    "labels", [{"Ref": "a"}, {"ref": "two\nlines"}, {"ref": "a" * 301}, {str(number): "" for number in range(9)}]
)
def test_labels_that_the_server_has_no_room_for_are_refused(
    connection: Connection, request_: SubmissionRequest, labels: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="labels: found"):
        submit(dataclasses.replace(request_, labels=labels), connection)


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


def _with_token(url: str, _: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Server:
    monkeypatch.setenv("L2C_KFP_TOKEN", token)
    return Server(url, patience=PATIENT)


def _with_file(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Server:
    file = folder / "token"
    file.write_text(token)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    return Server(url, patience=PATIENT)


def _with_variable(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Server:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
    return dataclasses.replace(_with_file(url, folder, monkeypatch, token), endpoint=None)


@pytest.mark.parametrize("way", [_with_token, _with_file, _with_variable])
def test_credentials_come_from_the_environment(
    kfp_server: Any,
    request_: SubmissionRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[..., Server],
) -> None:
    kfp_server.token = SECRET
    assert submit(request_, connect(way(kfp_server.url, tmp_path, monkeypatch, SECRET))).is_new


def test_wrong_credentials_are_one_line_without_them(
    kfp_server: Any, request_: SubmissionRequest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    kfp_server.token = "another"
    monkeypatch.setenv("L2C_KFP_TOKEN", SECRET)
    with pytest.raises(ConfigError, match=r"refuses our credentials \(401: Request not authenticated\)") as refused:
        submit(request_, connect(Server(kfp_server.url, patience=PATIENT)))
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value) + "".join(capfd.readouterr())


def test_a_server_that_cannot_be_reached_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9: found no usable answer") as unreachable:
        connect(Server("http://127.0.0.1:9", patience=Patience(total_seconds=0.5, pause_seconds=0.05)))
    assert "\n" not in str(unreachable.value)
    assert not "".join(capfd.readouterr())


def test_a_login_page_is_no_answer(kfp_server: Any) -> None:
    kfp_server.login_page = True
    with pytest.raises(ConfigError, match="found an answer of type text/html"):
        submit(SubmissionRequest("a", ""), connect(Server(kfp_server.url, patience=PATIENT)))


@pytest.mark.parametrize("endpoint", ["http://me:pass@host", "file:///etc/passwd", "host:8888", "http://a b"])
def test_an_endpoint_is_a_url_without_credentials(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="--endpoint: found no such URL") as refused:
        connect(Server(endpoint))
    assert "pass@" not in str(refused.value)


def test_a_missing_token_file_is_one_line(kfp_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="KF_PIPELINES_SA_TOKEN_PATH: found"):
        connect(Server(kfp_server.url))


def test_without_any_endpoint_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="--endpoint: found none"):
        connect(Server())
