"""One step of a cluster run in ML Metadata, with the types, properties and events that TFX's local runner writes.

TFX's own functions write them, so that they stay the same. What is different
from a local run is how things are named, since steps write at the same time and
pods are tried again: an execution is named by run and step, an artifact is known
by its type and URI, and whoever writes either a second time finds the first.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from types import SimpleNamespace

from ml_metadata import MetadataStore
from ml_metadata.errors import NotFoundError
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration.portable.mlmd import context_lib, execution_lib
from tfx.proto.orchestration import pipeline_pb2
from tfx.types.artifact import Artifact, ArtifactState

from pipelines.kubeflow.contract.step_contract import Value
from pipelines.metadata_store import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT, Execution

# Named as TFX names what is for the machinery alone: what lists parameters leaves them out.
POD_PROPERTY = "__kubernetes_pod__"
ATTEMPTS_PROPERTY = "__attempts__"
REASON_PROPERTY = "__reason__"
"""Why the last attempt that failed did."""


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """What is known about a step before it runs.

    Attributes:
      pipeline: The configuration's name.
      run_id: Kubeflow's ID of the run.
      component: Component id, such as "Quantize.small".
      component_type: Import path of the component's class, which TFX takes for the type of the execution.
      properties: What the executor is told.
      pod: The pod that it runs in: another attempt is another pod.
      inputs: What it reads, by input name, at the URIs where it is kept.
    """

    pipeline: str
    run_id: str
    component: str
    component_type: str
    properties: Mapping[str, Value]
    pod: str
    inputs: Mapping[str, Artifact]

    @property
    def name(self) -> str:
        """Name of the execution: a pod that is tried again resumes that of the first."""
        return f"{self.run_id}/{self.component}"


def write_start(store: MetadataStore, step: StepRecord) -> Execution:
    """Writes that the step runs, and what it reads; an input that no step wrote down becomes known here.

    Args:
      store: Where to write.
      step: What runs.

    Returns:
      The execution as the store has it.
    """
    contexts = context_lib.prepare_contexts(_handle(store), _contexts(step))
    execution = _find(store, step)
    if execution is None:
        execution = execution_lib.prepare_execution(
            _handle(store),
            mlmd.ExecutionType(name=step.component_type),
            mlmd.Execution.RUNNING,
            step.properties,
            execution_name=step.name,
        )
    attempts = execution.custom_properties[ATTEMPTS_PROPERTY].int_value
    if execution.custom_properties[POD_PROPERTY].string_value != step.pod or not attempts:
        execution.custom_properties[POD_PROPERTY].string_value = step.pod
        execution.custom_properties[ATTEMPTS_PROPERTY].int_value = attempts + 1
    execution.last_known_state = mlmd.Execution.RUNNING
    _identify(step.inputs.values())
    known = _known(store, step.inputs.values())
    for artifact in step.inputs.values():
        if artifact.mlmd_artifact.external_id in known:
            artifact.mlmd_artifact.CopyFrom(known[artifact.mlmd_artifact.external_id])
    new = _not_linked(store, execution, step.inputs, mlmd.Event.INPUT)
    return execution_lib.put_execution(_handle(store), execution, contexts, input_artifacts=new)


def write_end(store: MetadataStore, step: StepRecord, outputs: Mapping[str, Artifact]) -> None:
    """Writes that the step is done, and what it made.

    Args:
      store: Where to write.
      step: What ran; the store may have been away when it started.
      outputs: By output name, each at the URI where it is kept.
    """
    contexts = context_lib.prepare_contexts(_handle(store), _contexts(step))
    execution = _find(store, step) or write_start(store, step)
    execution.last_known_state = mlmd.Execution.COMPLETE
    _identify(outputs.values())
    known = _known(store, outputs.values())
    for artifact in outputs.values():
        artifact.is_external = False
        artifact.state = ArtifactState.PUBLISHED
        message = artifact.mlmd_artifact
        if message.external_id in known:
            message.id, message.type_id = known[message.external_id].id, known[message.external_id].type_id
    new = _not_linked(store, execution, outputs, mlmd.Event.OUTPUT)
    execution_lib.put_execution(_handle(store), execution, contexts, output_artifacts=new)


def write_stop(store: MetadataStore, step: StepRecord, *, failed: bool, reason: str) -> None:
    """Writes that the step ended before it was done.

    Args:
      store: Where to write.
      step: What ran.
      failed: Whether it failed, or was told to stop.
      reason: One line.
    """
    execution = _find(store, step) or write_start(store, step)
    execution.last_known_state = mlmd.Execution.FAILED if failed else mlmd.Execution.CANCELED
    execution.custom_properties[REASON_PROPERTY].string_value = reason
    store.put_executions([execution])


def _handle(store: MetadataStore) -> SimpleNamespace:
    """Returns a handle for functions of TFX, which ask it for the store alone."""
    return SimpleNamespace(store=store)


def _contexts(step: StepRecord) -> pipeline_pb2.NodeContexts:
    names = {
        PIPELINE_CONTEXT: step.pipeline,
        RUN_CONTEXT: step.run_id,
        NODE_CONTEXT: f"{step.pipeline}.{step.component}",
    }
    contexts = pipeline_pb2.NodeContexts()
    for kind, name in names.items():
        context = contexts.contexts.add()
        context.type.name = kind
        context.name.field_value.string_value = name
    return contexts


def _find(store: MetadataStore, step: StepRecord) -> Execution | None:
    return store.get_execution_by_type_and_name(step.component_type, step.name)


def _identify(artifacts: Iterable[Artifact]) -> None:
    for artifact in artifacts:
        key = hashlib.sha256(f"{artifact.type_name}\n{artifact.uri}".encode()).hexdigest()
        artifact.mlmd_artifact.external_id = f"learn2compress:{key}"


def _known(store: MetadataStore, artifacts: Iterable[Artifact]) -> dict[str, mlmd.Artifact]:
    wanted = sorted({artifact.mlmd_artifact.external_id for artifact in artifacts})
    try:
        found = store.get_artifacts_by_external_ids(wanted) if wanted else []
    except NotFoundError:  # none of them is there
        return {}
    return {artifact.external_id: artifact for artifact in found}


def _not_linked(
    store: MetadataStore, execution: Execution, artifacts: Mapping[str, Artifact], kind: int
) -> dict[str, list[Artifact]]:
    """Returns the artifacts that have no event yet; brings the properties of an earlier attempt's up to date.

    Args:
      store: Where to look and write.
      execution: Whose artifacts they are.
      artifacts: By key.
      kind: `mlmd.Event.INPUT` or `OUTPUT`.
    """
    events = store.get_events_by_execution_ids([execution.id]) if execution.id else []
    linked = {event.artifact_id for event in events if event.type == kind}
    again = [artifact.mlmd_artifact for artifact in artifacts.values() if artifact.id in linked]
    if again:
        store.put_artifacts(again)
    return {key: [artifact] for key, artifact in artifacts.items() if not (artifact.id and artifact.id in linked)}
