"""A run on a cluster is told in the words of a local one, and followed to its end; over real HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.cluster_runs import list_cluster_runs, show_cluster_run
from pipelines.kubeflow.client.connection import Connection, Patience, Server, connect
from pipelines.kubeflow.client.following import failed_steps, follow
from pipelines.kubeflow.client.run_display import show_progress
from pipelines.kubeflow.client.submission import SubmissionRequest, submit
from pipelines.run_history import runs_table, steps_table

BEGUN: dict[str, Any] = {"ingest_driver": ("SUCCEEDED", 0, 4), "ingest": ("SUCCEEDED", 5, 65)}


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, patience=Patience(pause_seconds=0.05)))


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
    assert failed_steps(run) == ["quantize-small"]


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


@pytest.fixture
def stages(kfp_server: Any, run_id: str) -> Callable[[], None]:
    """Moves the run on, one stage for each call."""
    left = iter(
        [
            ("RUNNING", BEGUN | {"ingest": ("RUNNING", 5, 0)}),
            ("RUNNING", BEGUN | {"quantize_small": ("RUNNING", 68, 0)}),
            ("RUNNING", BEGUN | {"quantize_small": ("FAILED", 68, 70)}),
            ("FAILED", BEGUN | {"quantize_small": ("FAILED", 68, 70)}),
        ]
    )

    def move() -> None:
        state, tasks = next(left)
        kfp_server.move_run(run_id, state, **tasks)

    return move


def test_a_log_tells_each_change_once(
    kfp_server: Any, connection: Connection, run_id: str, stages: Callable[[], None]
) -> None:
    kfp_server.fail(f"GET /runs/{run_id}", "500")

    def runs() -> Any:
        for run in follow(run_id, connection, poll_seconds=0.0):
            yield run
            if run.state != "failed":
                stages()

    console = Console(file=io.StringIO(), width=100)
    run = show_progress(runs(), console)
    assert run.state == "failed"
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "[0/3] ingest ...",
        "[1/3] ingest done in 60 s",
        "[1/3] quantize-small ...",
        "[2/3] quantize-small failed in 2 s",
        "[3/3] pusher skipped",
    ]


def test_a_terminal_shows_a_table(kfp_server: Any, connection: Connection, run_id: str) -> None:
    kfp_server.move_run(
        run_id, "SUCCEEDED", **BEGUN, quantize_small=("SUCCEEDED", 70, 80), pusher=("SUCCEEDED", 90, 99)
    )
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    assert show_progress(follow(run_id, connection), console).state == "complete"
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(word in shown for word in ("ingest", "quantize-small", "pusher", "complete", "60"))
