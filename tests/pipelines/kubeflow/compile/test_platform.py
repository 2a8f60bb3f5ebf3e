"""What the configuration says about a step's pod arrives there, and decides nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components, dsl, kubernetes

from learn2compress.config import CompressionConfig, KubernetesConfig, PodConfig
from learn2compress.config.parsing import ConfigError, parse, to_dict
from pipelines.kubeflow.compile.package import package_text
from pipelines.kubeflow.compile.platform import container_resources, platform_spec, retry_policy
from pipelines.kubeflow.compile.run_parameters import PipelineArguments

Config = Callable[..., CompressionConfig]
Arguments = Callable[..., PipelineArguments]
IMAGE = "registry.example/learn2compress@sha256:" + "0" * 64

SETTINGS: dict[str, Any] = {
    "cpu_cores": 1.5,
    "memory_gib": 6.0,
    "gpus": 1,
    "node_selector": {"pool": "training"},
    "node_affinity": [{"key": "zone", "values": ["a", "b"], "weight": 5}],
    "tolerations": [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}],
    "retries": 4,
    "retry_seconds": 10,
    "max_retry_seconds": 100,
    "timeout_minutes": 90,
    "labels": {"kueue.x-k8s.io/queue-name": "students"},
    "annotations": {"note": "any text"},
    "secret_variables": [{"secret": "store", "key": "password", "variable": "AWS_SECRET_ACCESS_KEY"}],
    "volumes": [{"claim": "data", "mount_path": "/data"}],
}


def documents(arguments: PipelineArguments) -> tuple[dict[str, Any], dict[str, Any]]:
    text = package_text(arguments.config, arguments.provenance, IMAGE, kubernetes_manifest=False)
    assert components.load_component_from_text(text)
    spec, platform = yaml.safe_load_all(text)
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


@dsl.container_component
def anything():
    return dsl.ContainerSpec(image="a", command=["b"])


def test_settings_are_what_the_sdk_itself_would_write() -> None:
    @dsl.pipeline(name="expected")
    def expected():
        task = anything()
        task.set_cpu_request("1500m").set_cpu_limit("1500m")
        task.set_memory_request("6144Mi").set_memory_limit("6144Mi")
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
        task.set_retry(4, "10s", 2.0)
        kubernetes.add_node_selector(task, "pool", "training")
        kubernetes.add_node_affinity(task, [{"key": "zone", "operator": "In", "values": ["a", "b"]}], weight=5)
        kubernetes.add_toleration(task, "gpu", "Equal", "yes", "NoSchedule")
        kubernetes.set_timeout(task, 5400)
        kubernetes.add_pod_label(task, "kueue.x-k8s.io/queue-name", "students")
        kubernetes.add_pod_annotation(task, "note", "any text")
        kubernetes.use_secret_as_env(task, "store", {"password": "AWS_SECRET_ACCESS_KEY"})
        kubernetes.mount_pvc(task, "data", "/data")
        kubernetes.set_security_context(task, run_as_non_root=True)

    pod = parse(PodConfig, SETTINGS)
    spec = expected.pipeline_spec
    container = spec.deployment_spec["executors"]["exec-anything"]["container"]
    # The SDK also writes each of these as a number, which backends of this schema do not read.
    resources = {name: container["resources"][name] for name in container_resources(pod) if name != "accelerator"}
    accelerator = container["resources"]["accelerator"]
    resources["accelerator"] = {name: accelerator[name] for name in ("resourceType", "resourceCount")}
    assert container_resources(pod) == resources
    policy = spec.root.dag.tasks["anything"].retry_policy
    assert retry_policy(pod) == {
        "maxRetryCount": policy.max_retry_count,
        "backoffDuration": f"{policy.backoff_duration.seconds}s",
        "backoffFactor": policy.backoff_factor,
        # The SDK writes an hour at most, which the backend does not hold anybody to.
        "backoffMaxDuration": f"{5 * (90 * 60 + 24 * 3600) + 10 + 20 + 40 + 80}s",
    }
    theirs = json_format.MessageToDict(expected.platform_spec)
    assert platform_spec({"anything": pod}, {}) == theirs


def test_every_step_has_limits_retries_and_a_time(config: CompressionConfig, make_arguments: Arguments) -> None:
    spec, executors = documents(make_arguments(config))
    for name, task in spec["root"]["dag"]["tasks"].items():
        resources = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]["resources"]
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(resources)
        assert task["retryPolicy"]["maxRetryCount"] > 0
        assert int(executors[f"exec-{name}"]["activeDeadlineSeconds"]) > 0


@pytest.mark.parametrize(
    ("policy", "end", "number"), [("OnFailure", "Failed", 3), ("OnError", "Error", 3), ("OnError", "Failed", 1)]
)
def test_a_training_of_days_is_tried_again(policy: str, end: str, number: int, kfp_stand_in: Any) -> None:
    pod = KubernetesConfig().pod_of("JointDistillTrainer")
    assert pod.timeout_minutes is not None
    attempt = (end, 60.0 * pod.timeout_minutes)
    assert kfp_stand_in.attempts_of(retry_policy(pod), policy, [attempt] * 4) == [end] * number


def test_many_pauses_stay_as_long_as_the_first(kfp_stand_in: Any) -> None:
    policy = retry_policy(PodConfig(retries=20))
    assert policy["backoffFactor"] == 1.0
    assert len(kfp_stand_in.attempts_of(policy, "Always", [("Failed", 1.0)] * 30)) == 21


def test_where_a_step_runs_changes_no_parameter(make_config: Config, make_arguments: Arguments) -> None:
    plain, moved = make_config(), make_config(kubernetes=KubernetesConfig(all_steps=SETTINGS))
    assert to_dict(plain) == to_dict(moved)
    one, two = documents(make_arguments(plain))[0], documents(make_arguments(moved))[0]
    for name, task in one["root"]["dag"]["tasks"].items():
        assert task["inputs"] == two["root"]["dag"]["tasks"][name]["inputs"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"all_steps": {"cpus": 1.0}}, "all_steps.cpus: found an unknown key"),
        ({"all_steps": {"memory_gib": 0.0}}, "all_steps.memory_gib: found 0.0"),
        ({"steps": {"Prune": {"volumes": [{"claim": "c", "mount_path": "data"}]}}}, "steps.Prune.volumes.0.mount_path"),
        ({"steps": {"Prune": {"labels": {"a b": "c"}}}}, "steps.Prune.labels"),
        ({"all_steps": {"tolerations": [{"key": "a", "value": "b"}]}}, "found 'b' with operator 'Exists'"),
        ({"all_steps": {"node_affinity": [{"key": "a"}]}}, "values: found \\[\\] with 'In', accepted is at least one"),
    ],
)
def test_settings_that_no_pod_has_are_refused(settings: dict[str, Any], message: str) -> None:
    content = {"name": "a", "teacher": {"uri": "t"}, "students": [{"name": "s"}], "kubernetes": settings}
    with pytest.raises(ConfigError, match=message):
        parse(CompressionConfig, content)


def test_the_settings_that_the_documentation_shows_are_accepted() -> None:
    text = (Path(__file__).parents[4] / "docs" / "how-to" / "kubeflow.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    (shown,) = [yaml.safe_load(block) for block in blocks if "checkpoints: {" in block]
    config = parse(KubernetesConfig, shown["kubernetes"])
    assert config.pod_of("JointDistillTrainer").gpus == 1
    assert config.pod_of("Evaluate.small").labels == {"kueue.x-k8s.io/queue-name": "students"}
