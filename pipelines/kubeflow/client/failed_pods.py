"""Why steps failed, as their pods say: Kubeflow's API tells a state and no reason.

Read from Kubernetes' API with the credentials of kubectl, or of the pod that we run in, where these are allowed to list
pods; a cluster that knows nothing of the run, or does not let us look, has no reasons. Pods are there for an hour after
a run, as Kubeflow installs Argo.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from learn2compress.report.plain_text import on_one_line
from pipelines.kubeflow.contract.naming import kebab_name

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Pod = Mapping[str, Any]

# Where Kubeflow runs everybody's steps outside multi-user mode.
_SHARED_NAMESPACE = "kubeflow"
_RUN_LABEL = "pipeline/runid"
# The node of Argo's workflow: the step's container, in the node of the step, in that of the graph. A number in
# brackets is an attempt.
_NODE = re.compile(r".*\.root\.(?P<task>[^.()]+?)(-driver)?(\(\d+\))?(\.executor(\(\d+\))?)?")
_NODE_ANNOTATION = "workflows.argoproj.io/node-name"
_MAIN = "main"
_TIMEOUT_SECONDS = (3.0, 10.0)
_LONGEST_REASON = 500


def failure_reasons(run_id: str, namespace: str, steps: Iterable[str]) -> dict[str, str]:
    """Returns why steps of a run failed, by step, as far as it can be read.

    Args:
      run_id: The run.
      namespace: Of its pods; "" outside multi-user mode.
      steps: Component ids of those that failed.
    """
    wanted = {kebab_name(step): step for step in steps}
    found: dict[str, str] = {}
    for pod in _pods_of(run_id, namespace or _SHARED_NAMESPACE) if wanted else ():
        node = _NODE.fullmatch(pod["metadata"].get("annotations", {}).get(_NODE_ANNOTATION, ""))
        step = wanted.get(node["task"]) if node else None
        if step is not None and (reason := reason_of(pod, step)):
            found[step] = reason  # of the last attempt
    return found


def reason_of(pod: Pod, step: str) -> str:
    """Returns why a pod failed, in one line, with what to do where that is known; "" where it did not.

    Args:
      pod: As Kubernetes has it.
      step: Component id of its step, for the setting to change.
    """
    status = pod["status"]
    ended = {
        container["name"]: container.get("state", {}).get("terminated") or {}
        for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    }
    if any(state.get("reason") == "OOMKilled" for state in ended.values()):
        return f"out of memory at {_memory_limit(pod)}: raise kubernetes.steps.{step}.memory_gib"
    if status.get("reason") == "DeadlineExceeded":
        return f"stopped after its longest time: raise kubernetes.steps.{step}.timeout_minutes"
    failed = {name: state for name, state in ended.items() if state.get("exitCode")}
    state = failed.get(_MAIN) or next(iter(failed.values()), {})
    waiting = (container.get("state", {}).get("waiting") or {} for container in status.get("containerStatuses", ()))
    pulled = next((state for state in waiting if "Image" in state.get("reason", "")), {})
    said = state.get("message") or status.get("message") or pulled.get("message")
    if said:
        return on_one_line(said)[:_LONGEST_REASON]
    return f"exit code {state['exitCode']}; the end of its log says why" if state else ""


def _memory_limit(pod: Pod) -> str:
    limits = (container.get("resources", {}).get("limits", {}) for container in pod["spec"]["containers"])
    text = next((str(limit["memory"]) for limit in limits if "memory" in limit), "its limit")
    mebibytes = re.fullmatch(r"(\d+)Mi", text)
    return f"{int(mebibytes[1]) / 1024:g} GiB" if mebibytes else text.replace("Gi", " GiB")


def _pods_of(run_id: str, namespace: str) -> list[Pod]:
    try:
        from kubernetes.client import CoreV1Api

        answer = CoreV1Api(_kubernetes()).list_namespaced_pod(
            namespace,
            label_selector=f"{_RUN_LABEL}={run_id}",
            _request_timeout=_TIMEOUT_SECONDS,
            _preload_content=False,
        )
        pods: list[Pod] = json.loads(answer.data)["items"]
    except Exception:  # of any kind: without a cluster, rights or an answer there is no reason to tell
        return []
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))


def _kubernetes() -> ApiClient:
    """Returns a client with the pod's own credentials, or with those of kubectl."""
    import kubernetes

    settings = kubernetes.client.Configuration()
    try:
        kubernetes.config.load_incluster_config(client_configuration=settings)
    except kubernetes.config.ConfigException:
        place = os.environ.get("KUBECONFIG")
        kubernetes.config.load_kube_config(config_file=place, client_configuration=settings)
    settings.retries = False
    return kubernetes.client.ApiClient(settings)
