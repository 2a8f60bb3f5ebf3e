"""Mirrors a step's lineage into a team's own ML Metadata store, where the configuration names one.

Kubeflow's own metadata are not read: they have other types, and a later version
of it has none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from ml_metadata import MetadataStore, errors
from tfx.types.artifact import Artifact

from learn2compress.config.parsing import ConfigError
from learn2compress.report.plain_text import on_one_line
from pipelines.kubeflow.container.executor_input import ExecutorInput
from pipelines.kubeflow.container.termination import Terminated
from pipelines.kubeflow.contract.artifact_types import load_class, restore_artifact
from pipelines.kubeflow.contract.mirror_settings import MirrorSettings
from pipelines.kubeflow.contract.step_contract import StepContract, Value
from pipelines.store_connection import StoreUnreachableError, open_address

_CONFLICTS = (errors.AbortedError, errors.AlreadyExistsError)
_UNREACHABLE = (errors.DeadlineExceededError, errors.InternalError, errors.UnavailableError)
# Whenever some meet, one of them gets on: this many are met only by who does something wrong.
_MAX_CONFLICTS = 50
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
# What was told to stop is killed soon; in a pod of Kubeflow, before it can write anything.
_HURRY_SECONDS = 5.0

Publish = Callable[[Mapping[str, Artifact]], None]


@contextlib.contextmanager
def record_execution(
    mirror: MirrorSettings | None,
    contract: StepContract,
    executor_input: ExecutorInput,
    properties: Mapping[str, Value],
) -> Iterator[Publish]:
    """Records what happens in the block: that it started, what it published, that it failed or was told to stop.

    Args:
      mirror: Where to; `None` records nothing.
      contract: What runs.
      executor_input: What it works on.
      properties: What the executor is told.

    Yields:
      What records the outputs, once they are written, and that the step is done.

    Raises:
      Exception: the store is required, and the record could not be written in time.
    """
    if mirror is None:
        yield lambda _outputs: None
        return
    # Takes seconds to import, which a step without a mirror saves.
    from pipelines.kubeflow.container.execution_records import StepRecord, write_end, write_start, write_stop

    inputs = {
        name: restore_artifact(load_class(path), executor_input.inputs[name].uri, executor_input.inputs[name].metadata)
        for name, path in contract.inputs.items()
    }
    step = StepRecord(
        contract.pipeline, mirror.run_id, contract.component, contract.component_type, properties, mirror.pod, inputs
    )
    _record(mirror, step.component, lambda store: write_start(store, step))

    def publish(outputs: Mapping[str, Artifact]) -> None:
        kept = {name: _kept_at(artifact, executor_input.outputs[name].uri) for name, artifact in outputs.items()}
        _record(mirror, step.component, lambda store: write_end(store, step, kept))

    try:
        yield publish
    except (Exception, Terminated) as error:
        # What went wrong in the block is the error to tell, whatever becomes of this record.
        hurried = dataclasses.replace(
            mirror, required=False, timeout_seconds=min(_HURRY_SECONDS, mirror.timeout_seconds)
        )
        failed = not isinstance(error, Terminated)
        reason = on_one_line(str(error) or type(error).__name__)
        _record(hurried, step.component, lambda store: write_stop(store, step, failed=failed, reason=reason))
        raise


def _kept_at(artifact: Artifact, uri: str) -> Artifact:
    """Returns a copy that says where the launcher keeps it, not where the step wrote it.

    Args:
      artifact: As the step has it.
      uri: Where it is kept.
    """
    copy = type(artifact)()
    copy.mlmd_artifact.CopyFrom(artifact.mlmd_artifact)
    copy.uri = uri
    return copy


def _record(mirror: MirrorSettings, component: str, write: Callable[[MetadataStore], object]) -> None:
    try:
        _write(mirror, write)
    except Exception as error:
        # Of any kind: a step's work does not depend on who writes it down, unless somebody asked for that.
        if isinstance(error, StoreUnreachableError) and mirror.required:
            raise ConfigError(f"kubernetes.metadata: {error}") from None
        if mirror.required:
            raise
        reason = " ".join(str(error).split())
        print(f"step: lineage of {component} is not recorded: {reason}", file=sys.stderr, flush=True)


def _write(mirror: MirrorSettings, write: Callable[[MetadataStore], object]) -> None:
    """Writes with a connection of its own: from a step's start to its end one would be idle for hours.

    Args:
      mirror: Where to, and for how long to try.
      write: Writes into the open store; called again after a conflict.
    """
    deadline = time.monotonic() + mirror.timeout_seconds
    pause, conflicts = _FIRST_PAUSE_SECONDS, 0
    while True:
        left = max(0.0, deadline - time.monotonic())
        store = open_address(mirror.address, password=mirror.password, timeout_seconds=left, create=True)
        try:
            write(store)
            return
        except _CONFLICTS:
            conflicts += 1
            if conflicts == _MAX_CONFLICTS:
                raise
            deadline = time.monotonic() + mirror.timeout_seconds  # the store is there
        except _UNREACHABLE:
            if time.monotonic() + pause > deadline:
                raise
        # Those who met here must not meet again.
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
