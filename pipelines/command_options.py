"""What several verbs of the `l2c` command share: options, and how they print."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from learn2compress.report.plain_text import on_one_line, without_controls

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipelines.kubeflow.client.connection import Connection
    from pipelines.run_root import RunRoot

_PIPED_WIDTH = 140

# Groups of verbs in the help of `l2c`.
RUNS, FILES = "Runs", "Files"

DEFAULT_ROOT = Path("runs")
RootOption = Annotated[
    Path, typer.Option("--root", envvar="L2C_ROOT", help="Folder of runs: metadata, artifacts, checkpoints, logs.")
]
SetOption = Annotated[
    Optional[list[str]],  # noqa: UP045 - Typer knows no `X | None`
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="A setting over the file's, as if it were written there: training.epochs=5, students.small.stage=2. Again"
        " for each.",
        show_default=False,
    ),
]
# For verbs that tell about runs. Typer knows no `X | None`.
LastRootOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--root",
        envvar="L2C_ROOT",
        help="Folder of runs. [default: of this folder, those in it and those in build/, the one written last]",
        show_default=False,
    ),
]
ConfigArgument = Annotated[Path, typer.Argument(help="The configuration file (YAML).", show_default=False)]
# Typer knows no `X | None`.
EndpointOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--endpoint",
        help="URL of Kubeflow's API server. [default: KF_PIPELINES_ENDPOINT, or the cluster we are in]",
        show_default=False,
    ),
]
NamespaceOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--namespace", help="Of the runs, where Kubeflow is multi-user.", show_default=False),
]
RetrySecondsOption = Annotated[
    float, typer.Option("--retry-seconds", min=0.1, help="How long to ask a server that does not answer.")
]
DEFAULT_RETRY_SECONDS = 60.0


def terminal_columns() -> int:
    """Returns the width that tables have: the terminal's, or what shows them in full where nobody sees one."""
    from learn2compress.progress_display import plain_console

    return plain_console().width if sys.stdout.isatty() else _PIPED_WIDTH


def print_table(renderable: RenderableType) -> None:
    """Prints something of rich's, in full where nobody sees a terminal; in a narrow one, long words are folded.

    No name in it moves the cursor.
    """
    from rich.segment import Segment, Segments
    from rich.table import Table

    from learn2compress.progress_display import plain_console

    for column in renderable.columns if isinstance(renderable, Table) else ():
        column.overflow = "fold"
    console = plain_console(width=terminal_columns())
    rendered = (
        part if part.control else Segment(without_controls(part.text), part.style)
        for part in console.render(renderable)
    )
    console.print(Segments(rendered))


def last_root(given: Path | None) -> RunRoot:
    """Returns the folder of runs to tell about, and says on standard error which one where there are several.

    Args:
      given: As `LastRootOption` has it.

    Raises:
      ConfigError: none was named, and there is none.
    """
    from pipelines.last_root import choice_sentence, find_roots

    roots = find_roots(given, print_note)
    if sentence := choice_sentence(roots):
        print_note(sentence)
    return roots[0]


def print_note(sentence: str) -> None:
    """Prints one line on standard error, whatever the names in it are."""
    print(on_one_line(sentence), file=sys.stderr)


@contextlib.contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Turns what a file that can't be written raises into a line for a person.

    Args:
      option: That named the file.
      path: The file.

    Raises:
      ConfigError: it can't be written.
    """
    from learn2compress.config.parsing import ConfigError

    try:
        yield
    except OSError as error:
        raise ConfigError(f"{option}: {path} can't be written: {error.strerror or error}") from None


def connection_to(endpoint: str | None, namespace: str | None, retry_seconds: float) -> Connection:
    """Returns a connection to Kubeflow's API server.

    Args:
      endpoint: URL of the server; `None` for what the environment says.
      namespace: Of the runs, in multi-user mode.
      retry_seconds: How long a request is repeated.

    Raises:
      ConfigError: there is none to be had.
    """
    from pipelines.kubeflow.client.connection import Server, Timeouts, connect

    return connect(Server(endpoint, namespace, Timeouts(total_seconds=retry_seconds)))
