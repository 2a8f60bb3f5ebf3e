"""Runs a configuration on this machine: its inputs are looked at first, then TFX runs the steps."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.progress import Progress, listening, notice
from pipelines.run_root import RunRoot

if TYPE_CHECKING:
    from pipelines.local_runner import StepEvent


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """One run of one configuration on this machine.

    Attributes:
      config: What to do, already validated.
      root: Where the run lives.
    """

    config: CompressionConfig
    root: RunRoot


def start_run(
    request: RunRequest, on_step: Callable[[StepEvent], None], on_progress: Callable[[Progress], None]
) -> None:
    """Runs a request to its end.

    Args:
      request: What to run, and where.
      on_step: Called when a step starts and when it ends.
      on_progress: Called with how far a step's work is, and with what is known to go otherwise before any step.

    Raises:
      ConfigError: an input is not accepted.
      Exception: a component failed.
    """
    from pipelines.deleted_artifacts import record_deleted_artifacts
    from pipelines.preflight import check_run
    from pipelines.provenance import collect_provenance

    # First, because what is read may be missing, and TFX takes many seconds to import.
    with listening(on_progress):
        for sentence in check_run(request.config, request.root):
            notice("check", sentence)
        provenance = collect_provenance(request.config, remembered=request.root.file_digests)
    record_deleted_artifacts(request.root, request.config.push.uri)
    from pipelines.local_runner import create_pipeline, run_pipeline

    with listening(on_progress):
        run_pipeline(create_pipeline(request.config, provenance, request.root), on_step)
        tell_changed_data(request, provenance.data_fingerprint)


def tell_changed_data(request: RunRequest, fingerprint: str) -> None:
    """Tells the listener where the data are no longer those that the run began with: nobody knows which it read.

    Args:
      request: What was run, and where.
      fingerprint: Of the data before the run.
    """
    from learn2compress.data.file_digests import FileDigests
    from learn2compress.data.fingerprint import source_fingerprint

    with contextlib.suppress(ConfigError):  # a source that is gone by now is told by the next run
        if source_fingerprint(request.config.data, FileDigests(request.root.file_digests)) != fingerprint:
            notice(
                "data",
                "the data changed while this run went on, and it may have read some of both; run it again, and if the "
                "data are changed back, in a new --root",
            )


def new_log_file(root: RunRoot, name: str) -> Path:
    """Returns the path of a file for the libraries' messages of a run that starts now.

    Args:
      root: Where the run lives.
      name: The configuration's name.
    """
    return root.logs / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
