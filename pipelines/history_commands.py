"""The verbs that tell about runs, on this machine or on a cluster: `l2c runs` and `l2c show`."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from learn2compress.report.plain_text import without_controls
from pipelines.command_options import (
    DEFAULT_RETRY_SECONDS,
    RUNS,
    EndpointOption,
    LastRootOption,
    NamespaceOption,
    RetrySecondsOption,
    connection_to,
    last_root,
    print_table,
    terminal_columns,
)

if TYPE_CHECKING:
    from pipelines.run_history import Run

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command."""
    app.command(rich_help_panel=RUNS)(runs)
    app.command(rich_help_panel=RUNS)(show)


def runs(
    root: LastRootOption = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="Those on Kubeflow; --endpoint implies it.")] = False,
    endpoint: EndpointOption = None,
    namespace: NamespaceOption = None,
    retry_seconds: RetrySecondsOption = DEFAULT_RETRY_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """List the runs of this folder, or of a cluster."""
    from pipelines.run_history import list_runs
    from pipelines.run_tables import runs_table

    if cluster or endpoint is not None:
        from pipelines.kubeflow.client.cluster_runs import list_cluster_runs

        found = list_cluster_runs(connection_to(endpoint, namespace, retry_seconds))
    else:
        found = list_runs(last_root(root))
    if as_json:
        print(json.dumps([entry.as_dict() for entry in found], indent=2))
    else:
        print_table(runs_table(found, terminal_columns()))


def show(
    run_id: Annotated[
        str, typer.Argument(help="A run of `l2c runs`: a number, or a cluster's id.", show_default=False)
    ],
    root: LastRootOption = None,
    endpoint: EndpointOption = None,
    namespace: NamespaceOption = None,
    retry_seconds: RetrySecondsOption = DEFAULT_RETRY_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Show a run's steps: state, time and outputs."""
    from pipelines.run_history import show_run
    from pipelines.run_tables import steps_table

    found: Run
    reasons: dict[str, str] = {}
    if endpoint is not None or _is_of_cluster(run_id):
        from pipelines.kubeflow.client.cluster_runs import show_cluster_run
        from pipelines.kubeflow.client.failed_pods import failure_reasons

        connection = connection_to(endpoint, namespace, retry_seconds)
        found = show_cluster_run(connection, run_id)
        failed = [step.step for step in found.steps if step.state == "failed"]
        reasons = failure_reasons(run_id, connection.namespace, failed)
    else:
        found = show_run(last_root(root), int(run_id))
    if as_json:
        print(json.dumps(found.as_dict() | ({"reasons": reasons} if reasons else {}), indent=2))
    else:
        print_table(steps_table(found, terminal_columns()))
        for step, reason in reasons.items():
            print(without_controls(f"{step}: {reason}"))


def _is_of_cluster(run_id: str) -> bool:
    from learn2compress.config.parsing import ConfigError

    if run_id.isascii() and run_id.isdigit():
        return False
    try:
        uuid.UUID(run_id)
    except ValueError:
        accepted = "a number of `l2c runs`, or the id of a run on a cluster"
        raise ConfigError(f"RUN_ID: found {run_id!r}, accepted is {accepted}") from None
    return True
