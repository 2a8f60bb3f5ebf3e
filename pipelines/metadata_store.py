"""Reads ML Metadata as TFX writes it: the one module that knows its store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress, StoreKind
from pipelines.run_root import RunRoot
from pipelines.store_connection import PASSWORD_VARIABLE, open_address
from pipelines.store_file import why_no_store

Artifact: TypeAlias = mlmd.Artifact
Execution: TypeAlias = mlmd.Execution
Context: TypeAlias = mlmd.Context

PIPELINE_CONTEXT = "pipeline"
RUN_CONTEXT = "pipeline_run"
NODE_CONTEXT = "node"

_CLUSTER_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BOOKKEEPING = frozenset({"tfx_version", "name", "state", "pipeline_name", "producer_component", "is_external"})


def open_store(root: RunRoot) -> MetadataStore:
    """Opens the metadata of a folder of runs; a file that is no store yet never becomes one.

    Raises:
      ConfigError: there are none, or the file is something else.
    """
    if not os.path.lexists(root.metadata):
        raise ConfigError(f"--root {root.folder}: found no runs there, accepted is the --root of an `l2c run`")
    if reason := why_no_store(root.metadata):
        raise ConfigError(
            f"--root {root.folder}: found {root.metadata.name}, but {reason}, accepted is the --root of an `l2c run`"
        )
    return open_address(StoreAddress(StoreKind.SQLITE, path=str(root.metadata)))


def open_stores(roots: Sequence[RunRoot], say: Callable[[str], None]) -> Iterator[MetadataStore]:
    """Opens the metadata of several folders of runs, each when it is asked for.

    Args:
      roots: The folders.
      say: Told of each store that can't be opened, which is passed over.

    Yields:
      Those that can be opened.

    Raises:
      ConfigError: none can; of the last.
    """
    opened = 0
    for position, root in enumerate(roots, start=1):
        try:
            store = open_store(root)
        except ConfigError as error:
            if position == len(roots) and not opened:
                raise
            say(f"{root.metadata} is passed over: {error}")
        else:
            opened += 1
            yield store


def open_shared_store(address: str) -> MetadataStore:
    """Opens the metadata that cluster runs mirror their lineage to.

    Args:
      address: As `kubernetes.metadata.store` has it; a database's password is in the variable `PASSWORD_VARIABLE`.

    Raises:
      ConfigError: there is no such store.
    """
    try:
        place = StoreAddress.parse(address)
    except ValueError as error:
        raise ConfigError(f"--store: {error}") from None
    if place.kind is StoreKind.SQLITE and os.path.lexists(place.path) and (reason := why_no_store(Path(place.path))):
        raise ConfigError(f"--store: {place.path} can't be opened as a store of ML Metadata: {reason}")
    try:
        return open_address(place, password=os.environ.get(PASSWORD_VARIABLE, ""))
    except ConfigError as error:
        raise ConfigError(f"--store: {error}") from None


def plain(value: mlmd.Value) -> Any:
    """Returns a property as int, float, str, or what its structured value holds; `None` where it has none."""
    return getattr(value, value.WhichOneof("value")) if value.WhichOneof("value") else None


def properties_of(node: Artifact | Execution) -> dict[str, Any]:
    """Returns typed and custom properties by name, without TFX's own bookkeeping."""
    everything = {**node.properties, **node.custom_properties}
    return {
        name: plain(value)
        for name, value in sorted(everything.items())
        if not name.startswith("__") and name not in _BOOKKEEPING
    }


def state_of(execution: Execution) -> str:
    """Returns the state in one lower-case word, such as "complete", "cached", "failed", "running"."""
    return mlmd.Execution.State.Name(execution.last_known_state).lower()


def step_of(store: MetadataStore, execution: Execution) -> str:
    """Returns the component id of an execution, such as "Quantize.small".

    Args:
      store: The store.
      execution: The execution.
    """
    contexts = store.get_contexts_by_execution(execution.id)
    node = next((c.name for c in contexts if c.type == NODE_CONTEXT), "")
    pipeline = next((c.name for c in contexts if c.type == PIPELINE_CONTEXT), "")
    return str(node.removeprefix(f"{pipeline}."))


def producer_of(store: MetadataStore, artifact_id: int) -> Execution | None:
    """Returns the execution that made an artifact; cached ones only point at it.

    Args:
      store: The store.
      artifact_id: Its number.
    """
    events = store.get_events_by_artifact_ids([artifact_id])
    ids = [event.execution_id for event in events if event.type == mlmd.Event.OUTPUT]
    executions = sorted(store.get_executions_by_id(ids), key=lambda execution: execution.id)
    return next((e for e in executions if e.last_known_state == mlmd.Execution.COMPLETE), None)


def inputs_of(store: MetadataStore, execution_id: int) -> list[tuple[str, Artifact]]:
    """Returns the input artifacts of an execution with their keys, sorted by key.

    Args:
      store: The store.
      execution_id: Its number.
    """
    return _artifacts(store, execution_id, mlmd.Event.INPUT)


def outputs_of(store: MetadataStore, execution_id: int) -> list[tuple[str, Artifact]]:
    """Returns the output artifacts of an execution with their keys, sorted by key.

    Args:
      store: The store.
      execution_id: Its number.
    """
    return _artifacts(store, execution_id, mlmd.Event.OUTPUT)


def consumers_of(store: MetadataStore, artifact_id: int) -> list[Execution]:
    """Returns the finished executions that read an artifact, in order.

    Args:
      store: The store.
      artifact_id: Its number.
    """
    events = store.get_events_by_artifact_ids([artifact_id])
    ids = [event.execution_id for event in events if event.type == mlmd.Event.INPUT]
    executions = sorted(store.get_executions_by_id(ids), key=lambda execution: execution.id)
    return [e for e in executions if e.last_known_state == mlmd.Execution.COMPLETE]


def artifacts_of_type(store: MetadataStore, name: str) -> list[Artifact]:
    """Returns all artifacts of a type, in no order; none where nothing of it was recorded.

    Args:
      store: The store.
      name: Of the type, such as "L2CPushedVersion".
    """
    return list(store.get_artifacts_by_type(name))


def runs_by_number(store: MetadataStore) -> dict[int, Context]:
    """Returns runs numbered from 1 in the order in which they were started; none is ever deleted."""
    return dict(enumerate(sorted(store.get_contexts_by_type(RUN_CONTEXT), key=lambda context: context.id), start=1))


def run_name_of(store: MetadataStore, execution: Execution) -> str:
    """Returns the run of an execution as `l2c runs` lists it: a cluster's id, else its number; empty for none.

    Args:
      store: The store.
      execution: The execution.
    """
    names = {c.id: c.name for c in store.get_contexts_by_execution(execution.id) if c.type == RUN_CONTEXT}
    for number, run in runs_by_number(store).items():
        if run.id in names:
            return names[run.id] if _CLUSTER_RUN.fullmatch(names[run.id]) else str(number)
    return ""


def live_artifacts(store: MetadataStore) -> list[Artifact]:
    """Returns the artifacts that a later run may take instead of making them."""
    return [artifact for artifact in store.get_artifacts() if artifact.state == mlmd.Artifact.LIVE]


def mark_deleted(store: MetadataStore, artifacts: list[Artifact]) -> None:
    """Records that artifacts are gone; their lineage stays.

    Args:
      store: The store.
      artifacts: What is gone.
    """
    for artifact in artifacts:
        artifact.state = mlmd.Artifact.DELETED
    if artifacts:
        store.put_artifacts(artifacts)


def _artifacts(store: MetadataStore, execution_id: int, kind: int) -> list[tuple[str, Artifact]]:
    keys = {
        event.artifact_id: event.path.steps[0].key if event.path.steps else ""
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == kind
    }
    artifacts = store.get_artifacts_by_id(list(keys))
    return sorted(((keys[a.id], a) for a in artifacts), key=lambda pair: (pair[0], pair[1].id))
