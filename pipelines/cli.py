"""The verbs that pipelines add to `l2c`: each makes one call of its arguments; what takes seconds is imported there."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.command_line.failures import RunFailedError
from learn2compress.command_line.streams import quiet_libraries
from learn2compress.command_line.verbs import COMPRESS
from learn2compress.report.plain_text import without_controls
from pipelines import benchmark_command, compare_command, history_commands
from pipelines.command_options import (
    DEFAULT_ROOT,
    RUNS,
    ConfigArgument,
    LastRootOption,
    RootOption,
    SetOption,
    last_root,
    print_table,
    terminal_columns,
    writing,
)
from pipelines.git_trigger import commands as git_commands
from pipelines.kubeflow import commands as cluster_commands
from pipelines.lineage import command as lineage_command
from pipelines.starter import command as init_command

if TYPE_CHECKING:
    from pipelines.local_run import RunRequest
    from pipelines.run_root import RunRoot

# Joined to the command by an entry point: see `learn2compress.command_line.verbs`.
app = typer.Typer()


def validate(
    config: ConfigArgument,
    root: RootOption = DEFAULT_ROOT,
    settings: SetOption = None,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Check the file alone, where what it names can't be reached.")
    ] = False,
) -> None:
    """Check a configuration, and what it names.

    What it names must be there, fit together, and be possible to write.
    """
    from learn2compress.config.file import load_config

    loaded = load_config(config, settings or ())
    sentences: tuple[str, ...] = ()
    if not file_only:
        quiet_libraries()
        from pipelines.console import hidden_library_output
        from pipelines.run_root import RunRoot

        with hidden_library_output():
            from pipelines.preflight import check_run

            sentences = check_run(loaded, RunRoot(root.resolve()))
    students = loaded.students
    names = ", ".join(student.name for student in students)
    print(f"{config}: accepted; {len(students)} student{'s' if len(students) > 1 else ''}: {names}")
    for sentence in sentences:
        print(f"  {sentence}")


def schema() -> None:
    """Print the JSON schema of a configuration, for editors."""
    from learn2compress.config.file import json_schema

    print(json.dumps(json_schema(), indent=2))


def run(config: ConfigArgument, root: RootOption = DEFAULT_ROOT, settings: SetOption = None) -> None:
    """Run a configuration on this machine.

    Steps whose inputs have not changed are taken from earlier runs.
    """
    from learn2compress.config.file import load_config
    from pipelines.local_run import RunRequest
    from pipelines.run_root import RunRoot

    _run_to_its_end(RunRequest(load_config(config, settings or ()), RunRoot(root.resolve())), f"Running {config}")


def pick(
    run_id: Annotated[
        Optional[int],  # noqa: UP045
        typer.Argument(help="A run of `l2c runs` with search.family; the latest if left out.", show_default=False),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The student's.")] = "picked",
    max_bytes: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--max-bytes", help="Largest int8 file: 60kB.", show_default=False),
    ] = None,
    max_latency_ms: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--max-latency-ms", help="Longest time of one example on this machine.", show_default=False),
    ] = None,
    max_macs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--max-macs", help="Most multiply-accumulate operations.", show_default=False),
    ] = None,
    root: LastRootOption = None,
) -> None:
    """Pick one more student from the family that a run has trained.

    A run of its own: only the picked student is pruned, quantized, evaluated and pushed.
    """
    from pipelines.local_run import RunRequest
    from pipelines.picking import budget_of, config_to_pick

    folder = last_root(root)
    config = config_to_pick(folder, run_id, name, budget_of(max_bytes, max_latency_ms, max_macs))
    _run_to_its_end(RunRequest(config, folder), f"Picking {name} from run {run_id or 'before'}")


def _run_to_its_end(request: RunRequest, title: str) -> None:
    """Runs a request while it shows how far it is, and prints what came out."""
    from learn2compress.training.device import device_sentence
    from pipelines.console import redirect_library_output, run_display
    from pipelines.local_run import new_log_file, start_run

    quiet_libraries()
    with request.root.locked():
        log_file = new_log_file(request.root, request.config.name)
        with redirect_library_output(log_file) as console, run_display(console) as display:
            console.print(f"{title}; messages of libraries go to {log_file}", soft_wrap=True)
            try:
                console.print(device_sentence(), soft_wrap=True)
                start_run(request, display.on_step, display.on_progress)
            except Exception as error:
                _log_traceback()
                raise RunFailedError(error, log_file) from error
    if _print_outcome(request.root, request.config.name, run_id=None) is None:
        raise typer.Exit(ExitCode.NOTHING_PUSHED)


def compile_(
    config: ConfigArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (YAML).")],
    image: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--image", help="Container image of the steps, best with its digest.", show_default=False),
    ] = None,
    kubernetes_manifest: Annotated[
        bool, typer.Option("--kubernetes-manifest", help="Write Pipeline and PipelineVersion resources, for GitOps.")
    ] = False,
) -> None:
    """Compile a configuration for Kubeflow Pipelines."""
    from learn2compress.config.file import load_config

    package = cluster_commands.compiled(load_config(config), image, kubernetes_manifest=kubernetes_manifest)
    from pipelines.kubeflow.compile.package import write_package

    write_package(package.text, output)
    print(without_controls(f"wrote {output}: {len(package.text.encode()) / 1000:.0f} kB, image {package.image}"))
    for note in package.notes:
        print(f"  {note}")


def report(
    run_id: Annotated[Optional[int], typer.Argument(help="A run of `l2c runs`; the latest if left out.")] = None,  # noqa: UP045
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Copy the HTML page here.")] = None,  # noqa: UP045
    root: LastRootOption = None,
) -> None:
    """Show a run's results, and where its HTML page is."""
    _print_outcome(last_root(root), None, run_id=run_id, copy_to=output)


def _log_traceback() -> None:
    import traceback

    traceback.print_exc()  # into the log: standard error is redirected there
    sys.stderr.flush()


def _print_outcome(root: RunRoot, name: str | None, run_id: int | None, copy_to: Path | None = None) -> str | None:
    """Prints what a run pushed, and returns where it is; `None` for nothing."""
    import shutil

    from learn2compress.report.table import results_table
    from learn2compress.report.verdict_lines import verdict_lines
    from learn2compress.results.data_words import data_sentences
    from pipelines.run_history import outcome_of

    outcome = outcome_of(root, name, run_id)
    print_table(results_table(outcome.family, terminal_columns()))
    for sentence in data_sentences(outcome.family.data):
        print(f"  data: {sentence}")
    for line in verdict_lines(outcome.family.verdicts, (outcome.family.teacher, *outcome.family.students)):
        print(f"  {line}")
    print(without_controls(f"pushed: {outcome.destination or 'nothing'}"))
    if copy_to is not None:
        # Where the page itself is named, it is there already.
        with writing("--output", copy_to), contextlib.suppress(shutil.SameFileError):
            shutil.copyfile(outcome.report_page, copy_to)
    print(without_controls(f"report: {copy_to or outcome.report_page}"))
    return outcome.destination


# In the order of the help: that in which a person meets them.
init_command.register(app)
for _verb in (validate, run, pick, schema):
    app.command(rich_help_panel=COMPRESS)(_verb)
history_commands.register(app)
app.command(rich_help_panel=RUNS)(report)
compare_command.register(app)
lineage_command.register(app)
benchmark_command.register(app)
app.command("compile", rich_help_panel=cluster_commands.KUBEFLOW)(compile_)
cluster_commands.register(app)
git_commands.register(app)
