"""Every pod satisfies Kubernetes' restricted standard, and what we ask beyond it.

The standard: kubernetes.io/docs/concepts/security/pod-security-standards, "Restricted", with the baseline it includes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Thing = dict[str, Any]

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_PINNED = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")
_SECRET_NAME = re.compile(r"(PASSWORD|TOKEN|ACCESS_KEY|ACCESS_KEY_ID|CREDENTIALS|PRIVATE_KEY)$")
_POD_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_OURS = 65532


def pod_of(thing: Thing) -> Thing | None:
    """The pod that an object makes."""
    if thing["kind"] not in _POD_TEMPLATES:
        return None
    for key in _POD_TEMPLATES[thing["kind"]]:
        thing = thing[key]
    return thing["spec"]


def pod_violations(pod: Thing) -> Iterator[str]:
    """What a pod does that the standard, or we, forbid."""
    yield from (f"{key} is used" for key in ("hostNetwork", "hostPID", "hostIPC", "hostAliases") if pod.get(key))
    for volume in pod.get("volumes", []):
        if kinds := set(volume) - {"name"} - _VOLUMES:
            yield f"a volume is of kind {kinds.pop()}"
    context = pod.get("securityContext", {})
    if context.get("sysctls") or context.get("supplementalGroups"):
        yield "sysctls or further groups are set"
    if pod.get("automountServiceAccountToken") is not False:
        yield "the cluster's token is mounted"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        yield from (f"{container['name']}: {found}" for found in _container_violations(container, context))


def _container_violations(container: Thing, pod: Thing) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = pod | own
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") != _OURS:
        yield f"it does not run as user {_OURS}"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "it has no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged") or own.get("procMount"):
        yield "it may gain privileges"
    if own.get("capabilities") != {"drop": ["ALL"]}:
        yield "it has capabilities"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "its root file system can be written"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "it takes a port of the node"
    if not _PINNED.fullmatch(container["image"]):
        yield "its image has no digest"
    resources = container.get("resources", {})
    for amounts in (resources.get("requests", {}), resources.get("limits", {})):
        if not {"cpu", "memory"} <= set(amounts):
            yield "requests or limits are missing"
    for variable in container.get("env", []):
        if _SECRET_NAME.search(variable["name"]) and "value" in variable:
            yield f"{variable['name']} is written down"


def test_every_pod_is_allowed(distinct_objects: list[Thing]) -> None:
    for thing in distinct_objects:
        pod = pod_of(thing)
        assert pod is None or list(pod_violations(pod)) == [], thing["metadata"]


def test_pods_are_looked_at(distinct_objects: list[Thing]) -> None:
    assert {thing["kind"] for thing in distinct_objects if pod_of(thing)} == set(_POD_TEMPLATES)


def test_pods_that_argo_events_makes_of_its_own_images_are_restricted(distinct_objects: list[Thing]) -> None:
    templates = [thing["spec"]["template"] for thing in distinct_objects if thing["kind"] in ("Sensor", "EventSource")]
    assert len(templates) == 2
    for template in templates:
        # It writes the rest of the pod, image and token included.
        container = {"name": "main", "image": f"a@sha256:{64 * '0'}", **template["container"]}
        pod = {**template, "containers": [container], "automountServiceAccountToken": False}
        assert list(pod_violations(pod)) == []


def _container(**settings: Any) -> Callable[[Thing], None]:
    return lambda pod: pod["containers"][0].update(settings)


def _context(**settings: Any) -> Callable[[Thing], None]:
    return lambda pod: pod["containers"][0]["securityContext"].update(settings)


@pytest.mark.parametrize(
    ("spoil", "violation"),
    [
        (lambda pod: pod.update(hostNetwork=True), "hostNetwork"),
        (lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}), "hostPath"),
        (lambda pod: pod["securityContext"].update(runAsUser=0), "user 65532"),
        (lambda pod: pod["securityContext"].pop("runAsNonRoot"), "user 65532"),
        (lambda pod: pod["securityContext"].pop("seccompProfile"), "seccomp"),
        (lambda pod: pod.pop("automountServiceAccountToken"), "token"),
        (lambda pod: pod.update(initContainers=[{"name": "first", "image": "a"}]), "first: its image"),
        (_context(allowPrivilegeEscalation=True), "privileges"),
        (_context(privileged=True), "privileges"),
        (_context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "capabilities"),
        (_context(readOnlyRootFilesystem=False), "root file system"),
        (_context(runAsUser=1), "user 65532"),
        (_container(image="registry/learn2compress:latest"), "digest"),
        (_container(resources={"requests": {"cpu": 1, "memory": 1}, "limits": {"cpu": 1}}), "limits"),
        (_container(ports=[{"containerPort": 1, "hostPort": 1}]), "port of the node"),
        (_container(env=[{"name": "AWS_SECRET_ACCESS_KEY", "value": "s"}]), "written down"),
    ],
)
def test_a_pod_that_is_not_allowed_is_found(
    distinct_objects: list[Thing], spoil: Callable[[Thing], None], violation: str
) -> None:
    pod = copy.deepcopy(next(pod for thing in distinct_objects if (pod := pod_of(thing))))
    assert list(pod_violations(pod)) == []
    spoil(pod)
    assert violation in " ".join(pod_violations(pod))
