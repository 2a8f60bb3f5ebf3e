"""Runs that were submitted: how they are found by their labels, and stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, NotFoundError, list_filter
from pipelines.kubeflow.client.run_descriptions import label_tags, tags_in

if TYPE_CHECKING:
    from kfp_server_api import V2beta1Run

_FINISHED = frozenset({"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"})


@dataclasses.dataclass(frozen=True)
class SubmittedRun:
    """A run on the server.

    Attributes:
      run_id: The server's id.
      name: As people see it.
      url: Its page; "" where the address of the UI is not known.
      state: "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELING", "CANCELED", "PAUSED", "SKIPPED"
        or "RUNTIME_STATE_UNSPECIFIED".
      is_new: Whether this submission created it.
    """

    run_id: str
    name: str
    url: str
    state: str
    is_new: bool

    @property
    def is_finished(self) -> bool:
        """Whether nothing will happen in it any more."""
        return self.state in _FINISHED


def find_runs(connection: Connection, tags: Collection[str]) -> list[SubmittedRun]:
    """Returns the runs whose descriptions have all these tags, oldest first.

    Args:
      connection: To the server.
      tags: Of `run_descriptions`.
    """
    listed = connection.list_all(
        connection.client.runs.run_service_list_runs,
        "runs",
        filter=list_filter(*(("description", "IS_SUBSTRING", mark) for mark in sorted(tags))),
        namespace=connection.namespace,
    )
    own = [run for run in listed if tags_in(run.description).issuperset(tags)]
    return [to_submitted_run(run, connection) for run in sorted(own, key=lambda run: (run.created_at, run.run_id))]


def unfinished_runs(connection: Connection, labels: Mapping[str, str]) -> list[SubmittedRun]:
    """Returns the runs that have all these labels and have not ended, oldest first.

    Args:
      connection: To the server.
      labels: Values by key.
    """
    return [run for run in find_runs(connection, label_tags(labels)) if not run.is_finished]


def terminate_run(run_id: str, connection: Connection) -> None:
    """Stops a run; one that has ended, or that is not there, is left alone.

    Args:
      run_id: The server's id.
      connection: To the server.

    Raises:
      UnavailableError: no answer came.
      ConfigError: the server refuses.
    """
    runs = connection.client.runs
    try:
        connection.call(runs.run_service_terminate_run, run_id=run_id)
    except NotFoundError:
        return
    except ConfigError:
        # The server refuses to stop what has ended, with the code of any bad request.
        if connection.call(runs.run_service_get_run, run_id=run_id).state not in _FINISHED | {"CANCELING"}:
            raise


def to_submitted_run(run: V2beta1Run, connection: Connection, *, is_new: bool = False) -> SubmittedRun:
    """Converts a run of the server.

    Args:
      run: As the server has it.
      connection: To the server.
      is_new: Whether it was created now.

    Returns:
      What we say of it.
    """
    state = run.state or "RUNTIME_STATE_UNSPECIFIED"
    page = connection.run_page(run.run_id)
    return SubmittedRun(run.run_id, run.display_name, page, state, is_new)
