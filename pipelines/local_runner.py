"""Runs a compression on this machine: TFX LocalDagRunner over ML Metadata in SQLite."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import absl.logging
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline

from learn2compress.config import CompressionConfig
from pipelines.pipeline import create_components
from pipelines.provenance import Provenance
from pipelines.run_root import RunRoot


class StepState(StrEnum):
    """What happens to a step."""

    STARTED = "started"
    CACHED = "cached"
    FINISHED = "finished"


@dataclass(frozen=True)
class StepEvent:
    """A step of the pipeline starts or ends.

    Attributes:
      step: Component id, such as "Quantize.small".
      state: What happened; a cached step ends without having run.
      number: 1-based position of the step.
      total: Steps in all.
    """

    step: str
    state: StepState
    number: int
    total: int


def create_pipeline(config: CompressionConfig, provenance: Provenance, root: RunRoot) -> Pipeline:
    """Creates the TFX pipeline of a configuration, which keeps everything under `root`.

    Args:
      config: What to do.
      provenance: Digests of data, teacher and code.
      root: Where the run lives.

    Returns:
      The pipeline, to be run by `run_pipeline`.
    """
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(root.artifacts / config.name),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(root.metadata)),
        components=create_components(config, provenance, str(root.checkpoints)),
        enable_cache=True,
    )


def run_pipeline(pipeline: Pipeline, on_step: Callable[[StepEvent], None]) -> None:
    """Runs every step that has no cached result.

    Args:
      pipeline: From `create_pipeline`.
      on_step: Called when a step starts and when it ends.

    Raises:
      Exception: whatever a component raised.
    """
    follower = _StepFollower(len(pipeline.components), on_step)
    tfx_log = logging.getLogger("absl")
    verbosity = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.INFO)
    tfx_log.addHandler(follower)
    try:
        LocalDagRunner().run(pipeline)
    finally:
        tfx_log.removeHandler(follower)
        absl.logging.set_verbosity(verbosity)


class _StepFollower(logging.Handler):
    """Reads off TFX's own log which step runs: the runner offers no other hook."""

    def __init__(self, total: int, on_step: Callable[[StepEvent], None]):
        super().__init__(logging.INFO)
        self._total = total
        self._on_step = on_step
        self._number = 0
        self._cached = False

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Component %s is running.":
            self._number, self._cached = self._number + 1, False
            self._tell(record, StepState.STARTED)
        elif record.msg == "A cached execution %d is used.":
            self._cached = True
        elif record.msg == "Component %s is finished.":
            self._tell(record, StepState.CACHED if self._cached else StepState.FINISHED)

    def _tell(self, record: logging.LogRecord, state: StepState) -> None:
        step = str(record.args[0]) if isinstance(record.args, tuple) else ""
        self._on_step(StepEvent(step, state, self._number, self._total))
