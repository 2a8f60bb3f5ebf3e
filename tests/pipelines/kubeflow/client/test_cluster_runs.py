"""A run on a cluster is told in the words of a local one; over real HTTP, with the SDK's client."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.cluster_runs import list_cluster_runs, poll_run, show_cluster_run
from pipelines.kubeflow.client.connection import Connection, Server, Timeouts, connect
from pipelines.kubeflow.client.submission import SubmissionRequest, submit
from pipelines.run_tables import runs_table, steps_table

BEGUN: dict[str, Any] = {"ingest_driver": ("SUCCEEDED", 0, 4), "ingest": ("SUCCEEDED", 5, 65)}


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, timeouts=Timeouts(pause_seconds=0.05)))


@pytest.fixture
def run_id(connection: Connection, small_package: str) -> str:
    return submit(SubmissionRequest("digits", small_package, {"epochs": 3}), connection).run_id


def text_of(renderable: Any) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_that_waits_has_all_its_steps(connection: Connection, run_id: str) -> None:
    run = show_cluster_run(connection, run_id)
    assert (run.run_id, run.state) == (run_id, "pending")
    assert [(step.step, step.state, step.seconds) for step in run.steps] == [
        ("ingest", "pending", None),
        ("quantize-small", "pending", None),
        ("pusher", "pending", None),
    ]


def test_steps_have_their_states_and_times(kfp_server: Any, connection: Connection, run_id: str) -> None:
    kfp_server.move_run(
        run_id,
        "RUNNING",
        **BEGUN,
        executor=("SUCCEEDED", 6, 64),
        quantize_small_driver=("SUCCEEDED", 66, 67),
        quantize_small=("RUNNING", 68, 0),
    )
    run = show_cluster_run(connection, run_id)
    assert run.state == "running"
    assert [(step.state, step.seconds) for step in run.steps] == [
        ("complete", 60.0),
        ("running", None),
        ("pending", None),
    ]
    assert "ingest" in text_of(steps_table(run))
    assert json.loads(json.dumps(run.as_dict()))["run_id"] == run_id


def test_a_step_whose_container_was_skipped_is_cached(kfp_server: Any, connection: Connection, run_id: str) -> None:
    kfp_server.move_run(
        run_id,
        "RUNNING",
        ingest_driver=("SUCCEEDED", 0, 4),
        ingest=("SUCCEEDED", 5, 5),
        executor=("SKIPPED", 5, 5),
        quantize_small=("SUCCEEDED", 9, 90),
    )
    states = [step.state for step in show_cluster_run(connection, run_id).steps]
    assert states == ["cached", "complete", "pending"]


def test_a_step_whose_driver_failed_has_failed(kfp_server: Any, connection: Connection, run_id: str) -> None:
    kfp_server.move_run(run_id, "FAILED", **BEGUN, quantize_small_driver=("FAILED", 66, 67))
    run = show_cluster_run(connection, run_id)
    assert run.state == "failed"
    assert [step.state for step in run.steps] == ["complete", "failed", "skipped"]


def test_runs_are_listed_over_all_pages(
    kfp_server: Any, connection: Connection, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(250):
        kfp_server.add_run(f"run {index}", created_at=f"2026-01-01T00:{index // 60:02d}:{index % 60:02d}Z")
    kfp_server.move_run(run_id, "RUNNING", **BEGUN)
    found = list_cluster_runs(connection)
    assert [run.name for run in found[:250]] == [f"run {index}" for index in range(250)]
    assert found[-1].run_id == run_id
    assert [step.step for step in found[-1].steps] == ["ingest"]
    assert "run 17" in text_of(runs_table(found))


def test_an_unknown_run_is_one_line(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="RUN_ID: found 'no-such-run'"):
        show_cluster_run(connection, "no-such-run")


def test_a_run_is_polled_to_its_end(kfp_server: Any, connection: Connection, run_id: str) -> None:
    kfp_server.fail(f"GET /runs/{run_id}", "500")
    runs = poll_run(run_id, connection, poll_seconds=0.0)
    assert next(runs).state == "pending"
    kfp_server.move_run(run_id, "RUNNING", **BEGUN)
    assert next(runs).state == "running"
    kfp_server.move_run(run_id, "FAILED", **BEGUN)
    assert [run.state for run in runs] == ["failed"]


def test_a_run_that_succeeded_is_asked_for_until_its_last_step_has_ended(
    kfp_server: Any, connection: Connection, run_id: str
) -> None:
    kfp_server.move_run(run_id, "RUNNING", **BEGUN, quantize_small=("RUNNING", 68, 0))
    runs = poll_run(run_id, connection, poll_seconds=0.0)
    assert next(runs).state == "running"
    rest: dict[str, Any] = {"quantize_small": ("SUCCEEDED", 68, 70), "pusher": ("SUCCEEDED", 70, 75)}
    kfp_server.move_run(run_id, "SUCCEEDED", **BEGUN, **rest)
    # Whoever asks once is told what must be so.
    assert [step.state for step in show_cluster_run(connection, run_id).steps] == ["complete"] * 3
    (run,) = runs
    assert [(step.state, step.seconds) for step in run.steps] == [
        ("complete", 60.0),
        ("complete", 2.0),
        ("complete", 5.0),
    ]
