"""Which pod settings each task of the graph gets."""

from __future__ import annotations

import dataclasses
import difflib

from learn2compress.config import KubernetesConfig, PodConfig
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.compile.graph import Task, TaskGraph

# Steps with this parameter keep state; see `components.training_inputs` and `components.ingest.last_data`.
_STATE_PARAMETER = "checkpoint_root"


def pods_of(graph: TaskGraph, config: KubernetesConfig) -> dict[str, PodConfig]:
    """Returns the pod settings of each task.

    Args:
      graph: The tasks.
      config: What the configuration says about pods.

    Returns:
      Settings by task name.

    Raises:
      ConfigError: there are settings for a step that the graph does not have.
    """
    ids = [task.contract.component for task in graph.tasks]
    accepted = sorted({*ids, *(component.partition(".")[0] for component in ids)})
    for step in config.steps:
        if step not in accepted:
            close = difflib.get_close_matches(step, accepted, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"kubernetes.steps: found {step!r}, accepted are {', '.join(accepted)}{hint}")
    return {task.name: _pod(task, config) for task in graph.tasks}


def _pod(task: Task, config: KubernetesConfig) -> PodConfig:
    pod = config.pod_of(task.contract.component)
    if config.metadata is not None and config.metadata.password is not None:
        pod = dataclasses.replace(pod, secret_variables=(*pod.secret_variables, config.metadata.password))
    if config.checkpoints is None or _STATE_PARAMETER not in task.parameters:
        return pod
    return dataclasses.replace(pod, volumes=(*pod.volumes, config.checkpoints))
