"""A step's pod has the settings of the step, of its kind, of all steps, in this order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from kfp import components

from learn2compress.config import CompressionConfig, KubernetesConfig, StudentConfig
from learn2compress.config.parsing import ConfigError, parse
from pipelines.kubeflow.compile.package import package_text
from pipelines.kubeflow.compile.run_parameters import PipelineArguments

Config = Callable[..., CompressionConfig]
Arguments = Callable[..., PipelineArguments]
IMAGE = "registry.example/learn2compress@sha256:" + "0" * 64


def documents(arguments: PipelineArguments) -> tuple[dict[str, Any], dict[str, Any]]:
    text = package_text(arguments.config, arguments.provenance, IMAGE, kubernetes_manifest=False)
    assert components.load_component_from_text(text)
    spec, platform = yaml.safe_load_all(text)
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_a_steps_own_settings_go_over_its_kinds_and_those_over_everybodys(
    make_config: Config, make_arguments: Arguments
) -> None:
    config = KubernetesConfig(
        all_steps={"cpu_cores": 3.0, "memory_gib": 1.0, "timeout_minutes": 5},
        steps={
            "Quantize": {"memory_gib": 2.0, "timeout_minutes": 6, "image": "ours:gpu"},
            "Quantize.large": {"timeout_minutes": 7},
        },
    )
    spec, executors = documents(make_arguments(make_config(kubernetes=config)))
    found = {}
    for step in ("prune-large", "quantize-small-one", "quantize-large"):
        container = spec["deploymentSpec"]["executors"][f"exec-{step}"]["container"]
        resources = container["resources"]
        minutes = int(executors[f"exec-{step}"]["activeDeadlineSeconds"]) // 60
        found[step] = (resources["resourceCpuLimit"], resources["resourceMemoryLimit"], minutes, container["image"])
    assert found == {
        "prune-large": ("3000m", "1024Mi", 5, IMAGE),
        "quantize-small-one": ("3000m", "2048Mi", 6, "ours:gpu"),
        "quantize-large": ("3000m", "2048Mi", 7, "ours:gpu"),
    }


def test_steps_that_keep_state_see_the_volume_of_checkpoints(make_config: Config, make_arguments: Arguments) -> None:
    config = parse(KubernetesConfig, {"checkpoints": {"claim": "states", "mount_path": "/states"}})
    spec, executors = documents(make_arguments(make_config(kubernetes=config)))
    assert spec["root"]["inputDefinitions"]["parameters"]["checkpoint_root"]["defaultValue"] == "/states"
    mounted = {name for name, settings in executors.items() if "pvcMount" in settings}
    trainings = {f"exec-{step}-{student}" for step in ("prune", "quantize") for student in ("large", "small-one")}
    assert mounted == trainings | {"exec-joint-distill-trainer", "exec-ingest"}


def test_settings_of_a_step_that_is_not_there_are_refused(make_config: Config, make_arguments: Arguments) -> None:
    config = make_config(
        students=(StudentConfig("small"),), kubernetes=KubernetesConfig(steps={"Quantise.small": {"gpus": 1}})
    )
    with pytest.raises(ConfigError, match=r"kubernetes.steps: found 'Quantise.small'.*did you mean 'Quantize.small'"):
        documents(make_arguments(config))
