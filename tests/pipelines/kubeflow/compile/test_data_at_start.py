"""A graph that looks at the data first is the graph, and one step before it that the reader of the data waits for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from learn2compress.config import CompressionConfig, KubernetesConfig
from pipelines.kubeflow.compile.data_at_start import EXECUTOR, looking_at_data
from pipelines.kubeflow.compile.graph import FromRun, FromTask, build_graph
from pipelines.kubeflow.compile.pods import pods_of
from pipelines.kubeflow.compile.run_parameters import PipelineArguments
from pipelines.kubeflow.compile.spec import pipeline_spec
from pipelines.kubeflow.container.data_fingerprint import Executor
from pipelines.kubeflow.contract.artifact_types import class_path

Arguments = Callable[..., PipelineArguments]


def test_all_else_stays_as_it_was(config: CompressionConfig, make_arguments: Arguments) -> None:
    before = build_graph(make_arguments(config))
    after = looking_at_data(before)
    first, ingest, *others = after.tasks
    assert (first.name, first.is_cached, first.inputs) == ("ingest-fingerprint", False, {})
    assert others == list(before.tasks[1:])
    assert ingest.contract == before.tasks[0].contract  # the same command: the cache of other packages serves
    assert ingest.parameters["data_fingerprint"] == FromTask("ingest-fingerprint", "data_fingerprint")
    names = [parameter.name for parameter in before.run_parameters]
    assert [parameter.name for parameter in after.run_parameters] == [
        name for name in names if name != "data_fingerprint"
    ]
    assert class_path(Executor) == EXECUTOR


def test_the_step_is_told_where_the_data_are_and_nothing_of_the_code(
    make_config: Callable[..., CompressionConfig], make_arguments: Arguments
) -> None:
    first = looking_at_data(build_graph(make_arguments(make_config()))).tasks[0]
    assert first.parameters["uri"] == FromRun("data_uri")
    assert set(first.parameters) == set(first.contract.parameters)
    assert not {"code_digest", "checkpoint_root", "data_fingerprint"} & set(first.parameters)


@pytest.mark.parametrize("settings", [{"memory_gib": 7.0}, {"volumes": [{"claim": "c", "mount_path": "/data"}]}])
def test_its_pod_is_that_of_the_reader(
    settings: dict[str, object], make_config: Callable[..., CompressionConfig], make_arguments: Arguments
) -> None:
    config = make_config(kubernetes=KubernetesConfig(steps={"Ingest": settings}))
    graph = looking_at_data(build_graph(make_arguments(config)))
    pods = pods_of(graph, config.kubernetes)
    assert pods["ingest-fingerprint"] == pods["ingest"]
    pipeline_spec(graph, "image", pods, {})  # held against Kubeflow's own protocol buffers
