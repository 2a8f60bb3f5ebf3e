"""Runs on a cluster, in the same words as those on this machine.

Read from the API server of Kubeflow Pipelines (v2beta1). Its tasks are the
nodes of an Argo workflow: a step called `ingest` has a driver `ingest-driver`,
which looks into the cache, and a container, all of which are called `executor`.
Of outputs the server of 2.16 says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, NotFoundError
from pipelines.kubeflow.compile.package_steps import PackageStep, specification_of, steps_of
from pipelines.run_history import Run, Step

if TYPE_CHECKING:
    from kfp_server_api import V2beta1PipelineTaskDetail, V2beta1Run

_STATES = {
    "SUCCEEDED": "complete",
    "FAILED": "failed",
    "CANCELED": "canceled",
    "CANCELING": "canceling",
    "RUNNING": "running",
    "PAUSED": "paused",
    "SKIPPED": "skipped",
}
_ENDED = frozenset({"complete", "failed", "canceled", "skipped"})
_POLL_SECONDS = 5.0
_SETTLING_SECONDS, _SETTLING_LOOKS = 1.0, 10
_DRIVER, _CONTAINER = "-driver", "executor"
# No container starts, works and ends in so short a time.
_LONGEST_CACHED_SECONDS = 2.0


def list_cluster_runs(connection: Connection, experiment_id: str | None = None) -> list[Run]:
    """Returns the runs of a server, oldest first; without the parameters of their steps.

    Args:
      connection: To the server.
      experiment_id: Of this experiment alone.
    """
    place = {"experiment_id": experiment_id} if experiment_id else {"namespace": connection.namespace}
    listed = connection.list_all(connection.client.runs.run_service_list_runs, "runs", **place)
    found = sorted(listed, key=lambda run: (run.created_at, run.run_id))
    return [cluster_run(run, _steps_by_their_drivers(run)) for run in found]


def show_cluster_run(connection: Connection, run_id: str) -> Run:
    """Returns one run, with all of its steps.

    Args:
      connection: To the server.
      run_id: The server's id.

    Raises:
      ConfigError: there is no such run.
    """
    run = fetch_run(connection, run_id)
    return cluster_run(run, package_steps_of(run, connection))


def poll_run(run_id: str, connection: Connection, poll_seconds: float = _POLL_SECONDS) -> Iterator[Run]:
    """Yields a run as it is now and again after every pause, to its end.

    Args:
      run_id: The server's id.
      connection: To the server.
      poll_seconds: Pause between requests.

    Raises:
      UnavailableError: the server gives no usable answer; the run goes on without us.
      ConfigError: there is no such run, or the server refuses.
    """
    steps = package_steps_of(fetch_run(connection, run_id), connection)
    looks_left = _SETTLING_LOOKS
    while True:
        run = cluster_run(fetch_run(connection, run_id), steps)
        if run.state == "complete" and looks_left and not _is_settled(run):
            looks_left -= 1
            time.sleep(min(poll_seconds, _SETTLING_SECONDS))
            continue
        yield run
        if run.state in _ENDED:
            return
        time.sleep(poll_seconds)


def _is_settled(run: Run) -> bool:
    """Returns whether the server has reported the end of each step; a run is complete a moment before its last one."""
    return all(step.seconds is not None for step in run.steps if step.state == "complete")


def fetch_run(connection: Connection, run_id: str) -> V2beta1Run:
    """Returns a run as the server has it.

    Args:
      connection: To the server.
      run_id: The server's id.

    Raises:
      ConfigError: there is no such run.
    """
    try:
        return connection.call(connection.client.runs.run_service_get_run, run_id=run_id)
    except NotFoundError:
        raise ConfigError(f"RUN_ID: found {run_id!r}, accepted is a run of {connection.server_name}") from None


def package_steps_of(run: V2beta1Run, connection: Connection) -> tuple[PackageStep, ...]:
    """Returns the steps that a run is to have, by its package.

    Args:
      run: As the server has it.
      connection: To the server.

    Returns:
      Steps in the order in which they can run; where the package was deleted, those that have begun.
    """
    reference = run.pipeline_version_reference
    package: Any = run.pipeline_spec
    if reference is not None and reference.pipeline_version_id:
        try:
            package = connection.call(
                connection.client.pipelines.pipeline_service_get_pipeline_version,
                pipeline_id=reference.pipeline_id,
                pipeline_version_id=reference.pipeline_version_id,
            ).pipeline_spec
        except NotFoundError:  # deleted since
            return _steps_by_their_drivers(run)
    values = run.runtime_config.parameters if run.runtime_config else None
    return steps_of(specification_of(package), values or {})


def cluster_run(run: V2beta1Run, steps: tuple[PackageStep, ...]) -> Run:
    """Converts a run of the server.

    Args:
      run: As the server has it.
      steps: That it is to have.

    Returns:
      The run in the form of a local one.
    """
    nodes: dict[str, list[V2beta1PipelineTaskDetail]] = {}
    for task in _nodes_of(run):
        nodes.setdefault(task.display_name, []).append(task)
    started = run.created_at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    state = _STATES.get(run.state, "pending")
    return Run(run.run_id, run.display_name, started, state, tuple(_step(step, nodes, state) for step in steps))


def _step(step: PackageStep, nodes: dict[str, list[V2beta1PipelineTaskDetail]], run_state: str) -> Step:
    drivers = [node for node in nodes.get(step.task + _DRIVER, []) if node.state == "FAILED"]
    node = next(iter(drivers or nodes.get(step.task, [])), None)
    state = _STATES.get(node.state, "pending") if node is not None else "pending"
    seconds = _seconds(node.start_time, node.end_time) if node is not None and state in ("complete", "failed") else None
    if state == "complete" and node is not None and seconds is not None and _was_cached(node, nodes, seconds):
        return Step(step.component, "cached", None, step.parameters, {})
    if state in ("pending", "running") and run_state in ("complete", "failed", "canceled"):
        state = "skipped" if state == "pending" and run_state != "complete" else run_state
    return Step(step.component, state, seconds, step.parameters, {})


def _was_cached(node: Any, nodes: dict[str, list[V2beta1PipelineTaskDetail]], seconds: float) -> bool:
    containers = [other for other in nodes.get(_CONTAINER, ()) if other.state == "SKIPPED"]
    within = any(node.start_time <= other.start_time <= node.end_time for other in containers)
    return within and seconds <= _LONGEST_CACHED_SECONDS


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    # What has not ended has ended in 1970.
    return (end - start).total_seconds() if start and end and end >= start else None


def _nodes_of(run: V2beta1Run) -> list[V2beta1PipelineTaskDetail]:
    """Returns the nodes of the workflow; rows without a name are entries of the launcher's cache.

    Args:
      run: As the server has it.
    """
    rows = run.run_details.task_details if run.run_details else None
    return [row for row in rows or () if row.display_name]


def _steps_by_their_drivers(run: V2beta1Run) -> tuple[PackageStep, ...]:
    tasks = _nodes_of(run)
    names = {task.display_name for task in tasks}
    found = sorted(
        (task for task in tasks if task.display_name + _DRIVER in names and task.display_name != "root"),
        key=lambda task: (task.start_time, task.display_name),
    )
    return tuple(PackageStep(task.display_name, task.display_name, {}) for task in found)
