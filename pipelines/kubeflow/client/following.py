"""Follows a run on a cluster to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pipelines.kubeflow.client.cluster_runs import cluster_run, fetch_run, package_steps_of
from pipelines.kubeflow.client.connection import Connection
from pipelines.run_history import Run

POLL_SECONDS = 5.0

_ENDED = frozenset({"complete", "failed", "canceled", "skipped"})


def follow(run_id: str, connection: Connection, poll_seconds: float = POLL_SECONDS) -> Iterator[Run]:
    """The run as it is now and again after every pause, to its end.

    Args:
      run_id: The run.
      connection: To its server.
      poll_seconds: Pause between looks.

    Raises:
      UnavailableError: the server has not answered for long; the run goes on without us.
      ConfigError: there is no such run, or the server refuses.
    """
    steps = package_steps_of(fetch_run(connection, run_id), connection)
    while True:
        run = cluster_run(fetch_run(connection, run_id), steps)
        yield run
        if run.state in _ENDED:
            return
        time.sleep(poll_seconds)


def failed_steps(run: Run) -> list[str]:
    """Steps that a run failed in."""
    return [step.step for step in run.steps if step.state == "failed"]
