"""The `l2c` command. Each verb turns its arguments into one call; what takes seconds to import is imported there."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from pipelines import history_commands
from pipelines.command_options import DEFAULT_ROOT, ConfigArgument, RootOption, print_table, quiet_libraries
from pipelines.git_trigger import commands as git_commands
from pipelines.kubeflow import commands as cluster_commands

if TYPE_CHECKING:
    from pipelines.run_root import RunRoot

app = typer.Typer(
    help="Train small, pruned, 8-bit students of a TensorFlow classifier and ship the LiteRT files that satisfy"
    " your constraints.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_INTERRUPTED = 130


class ImageFormat(StrEnum):
    """Those of `learn2compress.config.DataFormat` that hold images; that takes long to import."""

    IMAGE_FOLDER = "image_folder"
    NPZ = "npz"
    IDX = "idx"
    TFRECORD = "tfrecord"
    DIGITS = "digits"


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("l2c.yaml"),
    data: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--data", help="Images to look at for their size and classes, and to train on.", show_default=False
        ),
    ] = None,
    data_format: Annotated[
        ImageFormat, typer.Option("--format", help="Of the images; image_folder has a folder for each class.")
    ] = ImageFormat.IMAGE_FOLDER,
    input_shape: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--input-shape", help="HEIGHTxWIDTHxCHANNELS. [default: the images', or 32x32x3]", show_default=False
        ),
    ] = None,
    num_classes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--num-classes", min=2, help="[default: the images', or 10]", show_default=False),
    ] = None,
    max_model_bytes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--max-model-bytes", min=1, help="Largest file of the largest student.", show_default=False),
    ] = None,
    max_macs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--max-macs", min=1, help="Most multiply-accumulates of the largest student.", show_default=False),
    ] = None,
) -> None:
    """Write a commented configuration to start from, with students that suit the images and the budgets."""
    from learn2compress.config import DataFormat
    from pipelines.starter import StarterRequest, make_starter, write_starter

    starter = make_starter(
        StarterRequest(path, DataFormat(data_format), data, input_shape, num_classes, max_model_bytes, max_macs)
    )
    write_starter(starter, path)
    print(f"wrote {path}, with three students:")
    for line in starter.student_lines:
        print(f"  {line}")
    print(f"set its {'teacher' if starter.has_data else 'teacher and data'}, then: l2c validate {path}")


@app.command()
def validate(config: ConfigArgument) -> None:
    """Check a configuration file, and nothing else."""
    from learn2compress.config.file import load_config

    students = load_config(config).students
    print(f"{config}: accepted; {len(students)} students: {', '.join(student.name for student in students)}")


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration file, for editors."""
    from learn2compress.config.file import json_schema

    print(json.dumps(json_schema(), indent=2))


@app.command()
def run(config: ConfigArgument, root: RootOption = DEFAULT_ROOT) -> None:
    """Run a configuration on this machine; steps whose inputs have not changed are taken from earlier runs."""
    from learn2compress.config.file import load_config
    from pipelines.console import redirect_library_output, run_display
    from pipelines.local_run import RunRequest, new_log_file, start_run
    from pipelines.run_root import RunRoot

    request = RunRequest(load_config(config), RunRoot(root.resolve()))
    quiet_libraries()
    with request.root.locked():
        log_file = new_log_file(request.root, request.config.name)
        with redirect_library_output(log_file) as console, run_display(console) as display:
            console.print(f"Running {config}; messages of libraries go to {log_file}", highlight=False, soft_wrap=True)
            try:
                start_run(request, display.on_step, display.on_progress)
            except Exception as error:
                _log_traceback()
                raise _RunFailedError(error, log_file) from error
    _print_outcome(request.root, request.config.name, run_id=None)


@app.command("compile")
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
    """Compile a configuration into a package for Kubeflow Pipelines."""
    from learn2compress.config.file import load_config
    from pipelines.provenance import collect_provenance

    loaded = load_config(config)
    provenance = collect_provenance(loaded)
    quiet_libraries()
    from pipelines.kubeflow.compile.package import image_of, notes_on, package_text, write_package

    image = image_of(loaded, image)
    text = package_text(loaded, provenance, image, kubernetes_manifest=kubernetes_manifest)
    write_package(text, output)
    print(f"wrote {output}: {len(text.encode()) / 1000:.0f} kB, image {image}")
    for note in notes_on(loaded, image):
        print(f"  {note}")


@app.command()
def report(
    run_id: Annotated[Optional[int], typer.Argument(help="A run of `l2c runs`; the latest if left out.")] = None,  # noqa: UP045
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Copy the HTML page here.")] = None,  # noqa: UP045
    root: RootOption = DEFAULT_ROOT,
) -> None:
    """Print a run's table of variants, and where its HTML page is."""
    from pipelines.run_root import RunRoot

    _print_outcome(RunRoot(root.resolve()), None, run_id=run_id, copy_to=output)


@app.command()
def lineage(
    file_or_sha256: Annotated[str, typer.Argument(help="A pushed file, or its SHA-256.", show_default=False)],
    root: RootOption = DEFAULT_ROOT,
    store: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--store", envvar="L2C_STORE", help="Metadata of cluster runs: mysql, grpc or a file.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    picture: Annotated[Optional[Path], typer.Option("--picture", help="Write an SVG picture here.")] = None,  # noqa: UP045
) -> None:
    """Walk from a pushed file back to the data, the teacher, the configuration and the code that made it."""
    from pipelines.lineage import lineage_of, lineage_tree
    from pipelines.lineage_picture import lineage_picture
    from pipelines.metadata_store import open_shared_store, open_store
    from pipelines.run_root import RunRoot

    opened = open_store(RunRoot(root.resolve())) if store is None else open_shared_store(store)
    found = lineage_of(opened, file_or_sha256)
    if picture is not None:
        with _writing("--picture", picture):
            picture.write_text(lineage_picture(found), encoding="utf-8")
        print(f"wrote {picture}")
    elif as_json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        print_table(lineage_tree(found))


history_commands.register(app)
cluster_commands.register(app)
git_commands.register(app)


def main() -> None:
    """Runs the command: bad input is one line and exit code 2, a failed step one line and exit code 1."""
    from learn2compress.config.parsing import ConfigError

    try:
        app()
    except ConfigError as error:
        _fail(str(error), 2)
    except _RunFailedError as failed:
        if isinstance(failed.error, ConfigError):
            _fail(str(failed.error), 2)
        _fail(f"{failed.error or type(failed.error).__name__} (details: {failed.log_file})", 1)
    except SystemExit as ended:
        if ended.code != _INTERRUPTED:  # what Typer makes of Ctrl-C
            raise
        _fail("interrupted; run the same command to go on", _INTERRUPTED)


class _RunFailedError(Exception):
    """A step failed; the log holds the traceback."""

    def __init__(self, error: Exception, log_file: Path):
        super().__init__(str(error))
        self.error = error
        self.log_file = log_file


@contextlib.contextmanager
def _writing(option: str, path: Path) -> Iterator[None]:
    from learn2compress.config.parsing import ConfigError

    try:
        yield
    except OSError as error:
        raise ConfigError(f"{option}: {path} can't be written: {error.strerror}") from None


def _fail(message: str, code: int) -> None:
    print(f"l2c: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


def _log_traceback() -> None:
    import traceback

    traceback.print_exc()  # into the log: standard error is redirected there
    sys.stderr.flush()


def _print_outcome(root: RunRoot, name: str | None, run_id: int | None, copy_to: Path | None = None) -> None:
    import shutil

    from learn2compress.report.table import results_table
    from pipelines.run_history import outcome_of

    outcome = outcome_of(root, name, run_id)
    print_table(results_table(outcome.family))
    for verdict in outcome.family.verdicts:
        for line in (*verdict.reasons, *verdict.notes):
            print(f"  {verdict.name}: {line}")
    print(f"pushed: {outcome.destination or 'nothing'}")
    if copy_to is not None:
        with _writing("--output", copy_to):
            shutil.copyfile(outcome.report_page, copy_to)
    print(f"report: {copy_to or outcome.report_page}")


if __name__ == "__main__":
    main()
