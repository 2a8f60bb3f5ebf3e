"""What a step asks of a cluster: its own settings over those of its kind, and those over everybody's."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import KubernetesConfig, PodConfig, TolerationConfig
from learn2compress.config.parsing import ConfigError, parse


def test_a_step_has_its_own_settings_over_its_kinds_over_those_of_all() -> None:
    config = parse(
        KubernetesConfig,
        {
            "all_steps": {"cpu_cores": 3.0, "retries": 5},
            "steps": {"Quantize": {"cpu_cores": 4.0, "gpus": 1}, "Quantize.small": {"gpus": 2}},
        },
    )
    pods = {step: config.pod_of(step) for step in ("Prune.small", "Quantize.large", "Quantize.small")}
    found = {step: (pod.cpu_cores, pod.gpus, pod.retries) for step, pod in pods.items()}
    assert found == {"Prune.small": (3.0, 0, 5), "Quantize.large": (4.0, 1, 5), "Quantize.small": (4.0, 2, 5)}


def test_without_settings_a_kind_of_step_has_what_it_needs() -> None:
    config = KubernetesConfig()
    assert config.pod_of("JointDistillTrainer").memory_gib > config.pod_of("Pusher").memory_gib
    assert all(config.pod_of(step).timeout_minutes for step in ("Ingest", "Prune.small", "Evaluate.small", "Pusher"))
    assert config.pod_of("Another") == PodConfig()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"all_steps": {"cpus": 1.0}}, "all_steps.cpus: found an unknown key"),
        ({"all_steps": {"memory_gib": 0.0}}, "all_steps.memory_gib: found 0.0"),
        ({"steps": {"Prune": {"volumes": [{"claim": "c", "mount_path": "data"}]}}}, "steps.Prune.volumes.0.mount_path"),
        ({"steps": {"Prune": {"labels": {"a b": "c"}}}}, "steps.Prune.labels"),
        (
            {"all_steps": {"tolerations": [{"key": "a", "value": "b"}]}},
            "all_steps.tolerations.0: value: found 'b' with operator 'Exists', accepted is none, or 'Equal'",
        ),
        (
            {"all_steps": {"node_affinity": [{"key": "a"}]}},
            "all_steps.node_affinity.0: values: found [] with 'In', accepted is at least one",
        ),
        (
            {"all_steps": {"node_affinity": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
            "all_steps.node_affinity.0: values: found ['b'] with 'Exists', accepted is no value",
        ),
        ({"image": "an image"}, 'image: found "an image"'),
        ({"image": "registry/name@sha256:..."}, 'image: found "registry/name@sha256:..."'),
        ({"checkpoint_uri": "/checkpoints"}, "checkpoint_uri: found '/checkpoints', accepted is a URL"),
        (
            {"checkpoint_uri": "s3://a/b", "checkpoints": {"claim": "c", "mount_path": "/c"}},
            "checkpoint_uri: found one beside checkpoints, accepted is one of the two",
        ),
    ],
)
def test_what_no_cluster_has_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(KubernetesConfig, settings)
    assert str(caught.value).startswith(message)


def test_a_taint_may_be_compared_with_a_value() -> None:
    toleration = parse(TolerationConfig, {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present"})
    assert (toleration.value, toleration.effect) == ("present", None)
