"""The specification is one that Kubeflow's protocol buffers and its backend can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import CompressionConfig, PodConfig
from pipelines.kubeflow.compile.graph import build_graph
from pipelines.kubeflow.compile.pods import pods_of
from pipelines.kubeflow.compile.run_parameters import PipelineArguments
from pipelines.kubeflow.compile.spec import COMMAND, pipeline_spec
from pipelines.kubeflow.contract.step_contract import StepContract

Arguments = Callable[..., PipelineArguments]


@pytest.fixture
def spec(config: CompressionConfig, make_arguments: Arguments) -> dict[str, Any]:
    graph = build_graph(make_arguments(config))
    pods = pods_of(graph, config.kubernetes) | {"ingest": PodConfig(image="ours:gpu")}
    return pipeline_spec(graph, "image:1", pods, {"NAME": "value"})


def test_every_step_runs_our_entrypoint_with_its_contract(spec: dict[str, Any]) -> None:
    for name, executor in spec["deploymentSpec"]["executors"].items():
        container = executor["container"]
        assert container["command"] == list(COMMAND)
        flag, contract, *rest = container["args"]
        assert (flag, rest) == ("--contract", ["--executor-input", "{{$}}"])
        assert StepContract.from_json(contract).to_json() == contract
        assert container["image"] == ("ours:gpu" if name == "exec-ingest" else "image:1")
        assert container["env"] == [{"name": "NAME", "value": "value"}]


def test_every_name_is_one_that_kubernetes_takes(spec: dict[str, Any]) -> None:
    for name, task in spec["root"]["dag"]["tasks"].items():
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert task["taskInfo"]["name"] == name
        assert task["componentRef"]["name"] in spec["components"]


def test_every_artifact_has_a_type_that_the_sdk_accepts(spec: dict[str, Any]) -> None:
    known = {"Model", "Dataset", "Artifact", "Metrics", "ClassificationMetrics", "HTML", "Markdown"}
    for component in spec["components"].values():
        for side in ("inputDefinitions", "outputDefinitions"):
            for artifact in component[side].get("artifacts", {}).values():
                assert artifact["artifactType"]["schemaTitle"].removeprefix("system.") in known


def test_every_run_parameter_has_a_default(spec: dict[str, Any]) -> None:
    for declared in spec["root"]["inputDefinitions"]["parameters"].values():
        assert declared["isOptional"]
        assert declared["defaultValue"] is not None
