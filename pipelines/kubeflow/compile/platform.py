"""Pod settings as Kubeflow takes them: some in the `PipelineSpec`, the rest in a second document, `PlatformSpec`.

The second is kubernetes_platform/proto/kubernetes_executor_config.proto of kubeflow/pipelines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2

from learn2compress.config import NodeAffinityConfig, PodConfig, TolerationConfig

# As long as a configuration may let a step take, for one that has no limit.
_LONGEST_TIMEOUT_MINUTES = 60 * 24 * 30
# A pod may wait for a node.
_LONGEST_QUEUE_SECONDS = 60 * 60 * 24


def container_resources(pod: PodConfig) -> dict[str, Any]:
    """Returns what the container requests, which is its limit, too."""
    cores, memory = f"{round(pod.cpu_cores * 1000)}m", f"{round(pod.memory_gib * 1024)}Mi"
    resources: dict[str, Any] = {
        "resourceCpuRequest": cores,
        "resourceCpuLimit": cores,
        "resourceMemoryRequest": memory,
        "resourceMemoryLimit": memory,
    }
    if pod.gpus:
        resources["accelerator"] = {"resourceType": pod.gpu_resource, "resourceCount": str(pod.gpus)}
    return resources


def retry_policy(pod: PodConfig) -> dict[str, Any]:
    """Returns how a failed task is tried again.

    Argo takes whole factors alone, and counts `backoffMaxDuration` from the first attempt's start: nothing is tried
    again after it, and a later attempt is killed there. So it is as long as all attempts and pauses may be.
    """
    longest_pause = pod.retry_seconds * 2 ** max(0, pod.retries - 1)
    factor = 2 if longest_pause <= pod.max_retry_seconds else 1
    pauses_seconds = sum(pod.retry_seconds * factor**number for number in range(pod.retries))
    attempt_seconds = 60 * (pod.timeout_minutes or _LONGEST_TIMEOUT_MINUTES) + _LONGEST_QUEUE_SECONDS
    return {
        "maxRetryCount": pod.retries,
        "backoffDuration": f"{pod.retry_seconds}s",
        "backoffFactor": float(factor),
        "backoffMaxDuration": f"{(pod.retries + 1) * attempt_seconds + pauses_seconds}s",
    }


def platform_spec(pods: Mapping[str, PodConfig], pod_fields: Mapping[str, str]) -> dict[str, Any]:
    """Builds the second document, and checks it against Kubeflow's own protocol buffers.

    Args:
      pods: Settings by task name.
      pod_fields: Fields of the pod that every container gets as variables, by the variable.

    Returns:
      The document as plain mappings.
    """
    executors = {}
    for task, pod in pods.items():
        if settings := _executor(pod, pod_fields):
            json_format.ParseDict(settings, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
            executors[f"exec-{task}"] = settings
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _executor(pod: PodConfig, pod_fields: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"labels": dict(pod.labels), "annotations": dict(pod.annotations)}
    settings: dict[str, Any] = {
        "nodeSelector": {"labels": dict(pod.node_selector)} if pod.node_selector else None,
        "nodeAffinity": [_affinity(term) for term in pod.node_affinity],
        "tolerations": [_toleration(toleration) for toleration in pod.tolerations],
        # The backend sets the rest of what the restricted standard asks; without this, its namespaces refuse the pod.
        "securityContext": {"runAsNonRoot": True},
        "podMetadata": {name: values for name, values in metadata.items() if values},
        "fieldPathAsEnv": [{"name": name, "fieldPath": field} for name, field in pod_fields.items()],
        "activeDeadlineSeconds": pod.timeout_minutes and str(60 * pod.timeout_minutes),
        # Names twice: newer backends read the parameter, older ones the field.
        "secretAsEnv": [
            {
                "secretName": secret.secret,
                "secretNameParameter": _constant(secret.secret),
                "keyToEnv": [{"secretKey": secret.key, "envVar": secret.variable}],
                "optional": False,
            }
            for secret in pod.secret_variables
        ],
        "pvcMount": [
            {
                "mountPath": volume.mount_path,
                "constant": volume.claim,
                "pvcNameParameter": _constant(volume.claim),
            }
            for volume in pod.volumes
        ],
    }
    return {name: value for name, value in settings.items() if value}


def _affinity(term: NodeAffinityConfig) -> dict[str, Any]:
    expression = {"key": term.key, "operator": term.operator.value, "values": list(term.values)}
    weight = {} if term.weight is None else {"weight": term.weight}
    return {"matchExpressions": [expression], **weight}


def _toleration(toleration: TolerationConfig) -> dict[str, Any]:
    settings = {
        "key": toleration.key,
        "operator": toleration.operator.value,
        "value": toleration.value,
        "effect": toleration.effect and toleration.effect.value,
    }
    return {name: value for name, value in settings.items() if value}


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}
