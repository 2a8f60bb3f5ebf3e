"""The graph as Kubeflow's `PipelineSpec`, schema 2.1.0 (kubeflow/pipelines, api/v2alpha1/pipeline_spec.proto)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kfp
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.types.artifact import Artifact

from learn2compress.config import PodConfig
from pipelines.kubeflow.compile.graph import FromRun, FromTask, Task, TaskGraph
from pipelines.kubeflow.compile.platform import container_resources, retry_policy
from pipelines.kubeflow.contract.artifact_types import schema_title
from pipelines.kubeflow.contract.step_contract import ParameterKind, Value

COMMAND = ("python", "-m", "pipelines.kubeflow.container.step")

_SCHEMA_VERSION = "2.1.0"
_ARTIFACT_VERSION = "0.0.1"
_TEXT = ParameterKind.TEXT.value


def pipeline_spec(
    graph: TaskGraph, image: str, pods: Mapping[str, PodConfig], variables: Mapping[str, str]
) -> dict[str, Any]:
    """Builds the specification, and checks it against Kubeflow's own protocol buffers.

    Args:
      graph: What to compile.
      image: Container image of steps that have none of their own.
      pods: Settings by task name.
      variables: Of every container's environment; the backend's cache does not look at them.

    Returns:
      The specification as plain mappings.
    """
    spec = {
        "pipelineInfo": {"name": graph.name, "displayName": graph.display_name},
        "schemaVersion": _SCHEMA_VERSION,
        "sdkVersion": f"kfp-{kfp.__version__}",
        "root": {
            "inputDefinitions": {
                "parameters": {
                    parameter.name: {
                        "parameterType": parameter.kind.value,
                        "defaultValue": parameter.default,
                        "isOptional": True,
                        "description": parameter.description,
                    }
                    for parameter in graph.run_parameters
                }
            },
            "dag": {"tasks": {task.name: _task(task, pods[task.name]) for task in graph.tasks}},
        },
        "components": {f"comp-{task.name}": _component(task) for task in graph.tasks},
        "deploymentSpec": {
            "executors": {
                f"exec-{task.name}": _executor(task, image, pods[task.name], variables) for task in graph.tasks
            }
        },
    }
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    return spec


def _task(task: Task, pod: PodConfig) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "parameters": {name: _parameter_source(value) for name, value in task.parameters.items()},
    }
    if task.inputs:
        inputs["artifacts"] = {
            name: {"taskOutputArtifact": {"producerTask": source.task, "outputArtifactKey": source.output}}
            for name, source in task.inputs.items()
        }
    sources = (*task.inputs.values(), *task.parameters.values())
    upstream = sorted({source.task for source in sources if isinstance(source, FromTask)})
    return {
        # The backend finds a task's outputs by this name: it is the task's own.
        "taskInfo": {"name": task.name},
        "componentRef": {"name": f"comp-{task.name}"},
        "cachingOptions": {"enableCache": True} if task.is_cached else {},
        "retryPolicy": retry_policy(pod),
        "inputs": inputs,
        **({"dependentTasks": upstream} if upstream else {}),
    }


def _component(task: Task) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "parameters": {name: {"parameterType": kind.value} for name, kind in task.contract.parameters.items()},
    }
    if task.input_classes:
        inputs["artifacts"] = {name: _artifact(kind) for name, kind in task.input_classes.items()}
    outputs = {name: _artifact(kind) for name, kind in task.output_classes.items()}
    views = {name: _artifact_type(view.kind.value) for name, view in task.contract.views.items()}
    definitions: dict[str, Any] = {"artifacts": outputs | views}
    if task.output_parameters:
        definitions["parameters"] = {name: {"parameterType": _TEXT} for name in task.output_parameters}
    return {
        "executorLabel": f"exec-{task.name}",
        "inputDefinitions": inputs,
        "outputDefinitions": definitions,
    }


def _executor(task: Task, image: str, pod: PodConfig, variables: Mapping[str, str]) -> dict[str, Any]:
    return {
        "container": {
            "image": pod.image or image,
            "command": list(COMMAND),
            "args": ["--contract", task.contract.to_json(), "--executor-input", "{{$}}"],
            "resources": container_resources(pod),
            **({"env": [{"name": name, "value": value} for name, value in variables.items()]} if variables else {}),
        }
    }


def _parameter_source(value: Value | FromRun | FromTask) -> dict[str, Any]:
    if isinstance(value, FromRun):
        return {"componentInputParameter": value.name}
    if isinstance(value, FromTask):
        return {"taskOutputParameter": {"producerTask": value.task, "outputParameterKey": value.output}}
    return {"runtimeValue": {"constant": value}}


def _artifact(kind: type[Artifact]) -> dict[str, Any]:
    return _artifact_type(schema_title(kind))


def _artifact_type(title: str) -> dict[str, Any]:
    return {"artifactType": {"schemaTitle": title, "schemaVersion": _ARTIFACT_VERSION}}
