"""What several verbs of the `l2c` command share: options, and how they print."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from pipelines.kubeflow.client.connection import Connection

# Set before TensorFlow and gRPC load; a person may still ask for their messages.
_QUIET_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "ABSL_MIN_LOG_LEVEL": "3"}
_PIPED_WIDTH = 140

DEFAULT_ROOT = Path("runs")
RootOption = Annotated[
    Path, typer.Option("--root", envvar="L2C_ROOT", help="Folder of runs: metadata, artifacts, checkpoints, logs.")
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


def quiet_libraries() -> None:
    """Keeps TensorFlow and gRPC, imported from now on, from talking."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET_ENVIRONMENT.items()})


def print_table(renderable: object) -> None:
    """Prints something of rich's, in full where nobody sees a terminal."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(renderable)


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
