"""The verbs that start runs on a cluster: `l2c submit` and `l2c schedule`."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, Optional

import typer

from learn2compress.command_line.streams import quiet_libraries
from learn2compress.config.parsing import ConfigError
from learn2compress.report.plain_text import without_controls
from pipelines.command_options import (
    DEFAULT_RETRY_SECONDS,
    ConfigArgument,
    EndpointOption,
    NamespaceOption,
    RetrySecondsOption,
    connection_to,
    print_table,
    terminal_columns,
)

if TYPE_CHECKING:
    from learn2compress.config import CompressionConfig
    from pipelines.kubeflow.client.connection import Connection
    from pipelines.kubeflow.client.schedules import Schedule
    from pipelines.run_history import Run

_FAILED = 1
KUBEFLOW = "Kubeflow"
"""Their group in the help of `l2c`."""

ImageOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--image", help="Container image of the steps, best with its digest.", show_default=False),
]
ExperimentOption = Annotated[str, typer.Option("--experiment", help="Of the runs. [default: as the pipeline]")]
ParameterOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--parameter", metavar="NAME=VALUE", help="Of a parameter of the run; again for each.", show_default=False
    ),
]
AccountOption = Annotated[str, typer.Option("--service-account", help="Of the pods. [default: the cluster's]")]


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command."""
    app.command(rich_help_panel=KUBEFLOW)(submit)
    app.command(rich_help_panel=KUBEFLOW)(schedule)


def submit(
    config: ConfigArgument,
    endpoint: EndpointOption = None,
    namespace: NamespaceOption = None,
    experiment: ExperimentOption = "",
    image: ImageOption = None,
    parameter: ParameterOption = None,
    service_account: AccountOption = "",
    again: Annotated[bool, typer.Option("--again", help="Another run, even if there is one of this content.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    retry_seconds: RetrySecondsOption = DEFAULT_RETRY_SECONDS,
) -> None:
    """Start a run on Kubeflow Pipelines.

    The same content again is the same run.
    """
    from learn2compress.config.file import load_config
    from pipelines.kubeflow.client.submission import SubmissionRequest
    from pipelines.kubeflow.client.submission import submit as submit_request
    from pipelines.kubeflow.compile.package_steps import parse_run_parameters

    loaded = load_config(config)
    connection = connection_to(endpoint, namespace, retry_seconds)
    package, _, notes = compiled(loaded, image)
    run = submit_request(
        SubmissionRequest(
            loaded.name,
            package,
            parameters=parse_run_parameters(parameter or [], package),
            experiment=experiment,
            service_account=service_account,
            idempotency_key=uuid.uuid4().hex if again else "",
        ),
        connection,
    )
    print(f"{'submitted' if run.is_new else f'there already, {run.state.lower()}'}: {run.name}, run {run.run_id}")
    for line in (*([run.url] if run.url else []), *(notes if run.is_new else [])):
        print(f"  {line}")
    if wait:
        _wait_for(run.run_id, connection)
    else:
        print(f"follow it: l2c show {run.run_id}" + ("" if again else ", or the same command with --wait"))


def schedule(
    config: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="The configuration file (YAML), for --cron.", show_default=False),
    ] = None,
    cron: Annotated[
        str, typer.Option("--cron", help="When: minute, hour, day, month, weekday (and seconds first, if six).")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the schedules.")] = False,
    remove: Annotated[str, typer.Option("--remove", help="Remove the schedule of this name; its runs stay.")] = "",
    max_concurrency: Annotated[int, typer.Option("--max-concurrency", help="Runs at once, 1 to 10.")] = 1,
    catch_up: Annotated[
        bool, typer.Option("--catch-up/--no-catch-up", help="Make up for every time that was missed.")
    ] = True,
    endpoint: EndpointOption = None,
    namespace: NamespaceOption = None,
    experiment: ExperimentOption = "",
    image: ImageOption = None,
    parameter: ParameterOption = None,
    service_account: AccountOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    retry_seconds: RetrySecondsOption = DEFAULT_RETRY_SECONDS,
) -> None:
    """Run a configuration again and again on Kubeflow.

    Each run looks at the data when it starts. Scheduling it again replaces its schedule.
    """
    from learn2compress.config.file import load_config
    from pipelines.kubeflow.client import schedules
    from pipelines.kubeflow.compile.package_steps import parse_run_parameters

    if sum((bool(cron), list_, bool(remove))) != 1 or (config is None) == bool(cron):
        raise ConfigError("schedule: accepted is CONFIG with --cron, or --list, or --remove NAME")
    if config is None:
        connection = connection_to(endpoint, namespace, retry_seconds)
        if remove:
            print(f"removed: {schedules.remove_schedule(remove, connection)} of {remove}")
        else:
            _print_schedules(schedules.list_schedules(connection), as_json)
        return
    loaded = load_config(config)
    schedules.cron_with_seconds(cron)  # a typing mistake is told before anything is compiled
    schedules.check_texts(parameter or [])
    connection = connection_to(endpoint, namespace, retry_seconds)
    package, _, notes = compiled(loaded, image, looks_at_data=True)
    request = schedules.ScheduleRequest(
        loaded.name,
        package,
        cron,
        parse_run_parameters(parameter or [], package),
        experiment,
        max_concurrency,
        catch_up,
        service_account,
    )
    made = schedules.schedule(request, connection)
    print(f"{'scheduled' if made.is_new else 'scheduled already'}: {made.name}, {made.cron}")
    for note in notes if made.is_new else []:
        print(f"  {note}")


class Compiled(NamedTuple):
    """A package, the image of its steps, and what a person must know of it, a sentence each."""

    text: str
    image: str
    notes: list[str]


def compiled(
    config: CompressionConfig, image: str | None, *, kubernetes_manifest: bool = False, looks_at_data: bool = False
) -> Compiled:
    """Checks what can be checked from here, and compiles a configuration.

    Args:
      config: What to compile.
      image: Of the steps; `None` for the configuration's own.
      kubernetes_manifest: Whether resources of Kubernetes are made, for GitOps.
      looks_at_data: Whether each run looks at the data when it starts.

    Returns:
      The package.

    Raises:
      ConfigError: something is not as it must be.
    """
    from pipelines.provenance import collect_provenance

    quiet_libraries()
    from pipelines.console import hidden_library_output

    with hidden_library_output():
        from pipelines.preflight import check_compiled

        sentences = check_compiled(config)
    provenance = collect_provenance(config)
    from pipelines.kubeflow.compile.limits import notes_on_size
    from pipelines.kubeflow.compile.package import image_of, notes_on, package_text

    chosen = image_of(config, image)
    text = package_text(
        config, provenance, chosen, kubernetes_manifest=kubernetes_manifest, looks_at_data=looks_at_data
    )
    return Compiled(text, chosen, [*sentences, *notes_on(config, chosen), *notes_on_size(text)])


def _wait_for(run_id: str, connection: Connection) -> None:
    from learn2compress.progress_display import plain_console
    from pipelines.kubeflow.client.cluster_runs import poll_run
    from pipelines.kubeflow.client.failed_pods import failure_reasons
    from pipelines.kubeflow.client.run_display import show_progress

    run = show_progress(poll_run(run_id, connection), plain_console(width=None if sys.stdout.isatty() else 100))
    if run.state != "complete":
        failed = [step.step for step in run.steps if step.state == "failed"]
        for step, reason in failure_reasons(run_id, connection.namespace, failed).items():
            print(without_controls(f"  {step}: {reason}"), file=sys.stderr)
        told = f"run {run_id} {run.state}; failed steps: {', '.join(failed) or 'none'} {connection.run_page(run_id)}"
        print(f"l2c: error: {told}".rstrip(), file=sys.stderr)
        raise typer.Exit(_FAILED)
    _print_outcome(run)


def _print_outcome(run: Run) -> None:
    from learn2compress.report.table import results_table
    from learn2compress.report.verdict_lines import verdict_lines
    from learn2compress.results.data_words import data_sentences
    from pipelines.kubeflow.client.pushed_report import find_pushed_report

    found = find_pushed_report(run.steps)
    if found is None:
        print("no pushed version of this run can be read from here; the table is on the page of its step pusher")
        return
    family, destination = found
    print_table(results_table(family, terminal_columns()))
    for sentence in data_sentences(family.data):
        print(f"  data: {sentence}")
    for line in verdict_lines(family.verdicts, (family.teacher, *family.students)):
        print(f"  {line}")
    print(without_controls(f"pushed: {destination}"))


def _print_schedules(found: list[Schedule], as_json: bool) -> None:
    import dataclasses

    from rich.table import Table

    if as_json:
        print(json.dumps([dataclasses.asdict(entry) for entry in found], indent=2))
        return
    table = Table("name", "cron", "state", "at once", "catch up", "id")
    for entry in found:
        catch_up = "yes" if entry.catch_up else "no"
        table.add_row(entry.name, entry.cron, entry.state, str(entry.max_concurrency), catch_up, entry.schedule_id)
    print_table(table)
