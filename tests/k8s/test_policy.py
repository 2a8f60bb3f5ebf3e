"""What the other objects of an overlay may do, and that they fit together."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Thing = dict[str, Any]

# Made by whoever installs (docs/how-to/kubeflow.md), or by Kubeflow.
_SECRETS_OF_OTHERS = {"l2c-webhook", "l2c-object-store", "mlpipeline-minio-artifact"}
_CREDENTIALS = re.compile(r"://[^/\s:@]+:[^/\s@]+@|-----BEGIN|AKIA[0-9A-Z]{16}")
_RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def violations(thing: Thing) -> Iterator[str]:
    """What an object does that no object of ours may."""
    kind = thing["kind"]
    if kind in ("ClusterRole", "ClusterRoleBinding"):
        yield "it reaches over the namespace"
    for rule in thing.get("rules", []) if kind == "Role" else []:
        yield from _rule_violations(rule)
    if kind == "Secret" or (kind == "ConfigMap" and _CREDENTIALS.search(json.dumps(thing))):
        yield "a secret is written down"
    if kind == "Service" and thing["spec"].get("type", "ClusterIP") != "ClusterIP":
        yield "it opens a port to the world"
    if kind == "Namespace" and not _RESTRICTED.items() <= thing["metadata"]["labels"].items():
        yield "pods are not held to the restricted standard"
    if kind == "NetworkPolicy":
        yield from _network_violations(thing["spec"])


def _rule_violations(rule: Thing) -> Iterator[str]:
    if any("*" in value for values in rule.values() for value in values):
        yield "it has a wildcard"
    if {"escalate", "bind", "impersonate"} & set(rule["verbs"]):
        yield "it may make itself more powerful"
    if "secrets" in rule["resources"] and not (rule["verbs"] == ["get"] and rule.get("resourceNames")):
        yield "it reads any secret"
    if {"pods/exec", "pods/attach", "pods/portforward"} & set(rule["resources"]):
        yield "it gets into pods"


def _network_violations(spec: Thing) -> Iterator[str]:
    for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
        peers = rule.get("to", []) + rule.get("from", [])
        if not peers or not rule.get("ports"):
            yield "it opens to anyone, or every port"
        for peer in peers:
            if "ipBlock" in peer and "169.254.169.254/32" not in peer["ipBlock"].get("except", []):
                yield "a node's credentials can be reached"


def test_every_object_is_allowed(distinct_objects: list[Thing]) -> None:
    for thing in distinct_objects:
        assert list(violations(thing)) == [], thing["metadata"]


def _first(kind: str) -> Callable[[list[Thing]], Thing]:
    return lambda things: copy.deepcopy(next(thing for thing in things if thing["kind"] == kind))


@pytest.mark.parametrize(
    ("find", "spoil", "violation"),
    [
        (_first("Role"), lambda role: role["rules"][0]["verbs"].append("*"), "wildcard"),
        (_first("Role"), lambda role: role["rules"].append({"verbs": ["get"], "resources": ["secrets"]}), "any secret"),
        (_first("Role"), lambda role: role["rules"][0]["verbs"].append("bind"), "powerful"),
        (_first("Role"), lambda role: role["rules"][0]["resources"].append("pods/exec"), "into pods"),
        (_first("Role"), lambda role: role.update(kind="ClusterRole"), "over the namespace"),
        (_first("ConfigMap"), lambda made: made["data"].update(url="mysql://root:word@db/x"), "written down"),
        (_first("ConfigMap"), lambda made: made.update(kind="Secret"), "written down"),
        (_first("Service"), lambda service: service["spec"].update(type="NodePort"), "to the world"),
        (_first("Namespace"), lambda made: made["metadata"].update(labels={}), "restricted"),
        (_first("NetworkPolicy"), lambda policy: policy["spec"].update(egress=[{}]), "to anyone"),
        (
            _first("NetworkPolicy"),
            lambda policy: policy["spec"].update(egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]),
            "node's credentials",
        ),
    ],
)
def test_an_object_that_is_not_allowed_is_found(
    distinct_objects: list[Thing],
    find: Callable[[list[Thing]], Thing],
    spoil: Callable[[Thing], None],
    violation: str,
) -> None:
    thing = find(distinct_objects)
    assert list(violations(thing)) == []
    spoil(thing)
    assert violation in " ".join(violations(thing))


def test_everything_is_denied_in_our_namespace_before_something_is_opened(objects: list[Thing]) -> None:
    (namespace,) = [thing["metadata"]["name"] for thing in objects if thing["kind"] == "Namespace"]
    (denied,) = [
        thing["metadata"]
        for thing in objects
        if thing["kind"] == "NetworkPolicy"
        and thing["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ]
    assert denied["namespace"] == namespace


def test_steps_are_called_by_nobody_wherever_kubeflow_runs_them(objects: list[Thing]) -> None:
    (account,) = [thing for thing in objects if _is(thing, "ServiceAccount", "l2c-steps")]
    (policy,) = [thing for thing in objects if _is(thing, "NetworkPolicy", "steps")]
    assert account["metadata"]["namespace"] == policy["metadata"]["namespace"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"]


def test_every_object_is_in_a_namespace_that_is_ours_or_kubeflows(objects: list[Thing]) -> None:
    for thing in objects:
        if thing["kind"] != "Namespace":
            assert thing["metadata"]["namespace"] in ("learn2compress", "kubeflow")
    # Kubeflow's own namespace gets what its steps need, and nothing that Kubeflow's own pods must obey.
    theirs = {thing["kind"] for thing in objects if thing["metadata"].get("namespace") == "kubeflow"}
    assert theirs <= {"ServiceAccount", "Role", "RoleBinding", "NetworkPolicy"}


def test_what_objects_name_is_there(objects: list[Thing]) -> None:
    there = {(thing["kind"], thing["metadata"]["name"]) for thing in objects}
    there |= {("Secret", name) for name in _SECRETS_OF_OTHERS}
    assert set(_named(objects)) <= there


def test_services_and_policies_choose_pods_that_are_there(objects: list[Thing]) -> None:
    labels = [pod.get("metadata", {}).get("labels", {}) for pod in _parts(objects, "template")]
    for thing in objects:
        if thing["kind"] in ("Service", "PodDisruptionBudget"):
            selector = thing["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            assert any(selector.items() <= found.items() for found in labels), thing["metadata"]


def _is(thing: Thing, kind: str, name: str) -> bool:
    return thing["kind"] == kind and thing["metadata"]["name"] == name


def _named(part: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of what parts of an object refer to."""
    for found in _parts(part, "serviceAccountName"):
        yield "ServiceAccount", found
    for found in [*_parts(part, "secretKeyRef"), *_parts(part, "webhookSecret")]:
        yield "Secret", found["name"]
    for found in _parts(part, "secretName"):
        yield "Secret", found
    for found in [*_parts(part, "configMapRef"), *_parts(part, "configMap")]:
        yield "ConfigMap", found["name"]
    for found in _parts(part, "claimName"):
        yield "PersistentVolumeClaim", found
    for found in _parts(part, "roleRef"):
        yield found["kind"], found["name"]
    for subjects in _parts(part, "subjects"):
        yield from ((subject["kind"], subject["name"]) for subject in subjects)


def _parts(part: Any, key: str) -> Iterator[Any]:
    """Every value of a key, at any depth."""
    if isinstance(part, list):
        for element in part:
            yield from _parts(element, key)
    if isinstance(part, dict):
        if key in part:
            yield part[key]
        for value in part.values():
            yield from _parts(value, key)
