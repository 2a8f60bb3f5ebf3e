"""The compiled pipeline is the local one: the same steps, edges and parameters, whatever a run changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import CompressionConfig, StudentConfig
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.compile.graph import FromRun, build_graph
from pipelines.kubeflow.compile.pods import pods_of
from pipelines.kubeflow.compile.run_parameters import PipelineArguments
from pipelines.kubeflow.compile.spec import pipeline_spec
from pipelines.kubeflow.contract.exec_properties import resolve_exec_properties
from pipelines.kubeflow.contract.naming import kebab_name
from pipelines.kubeflow.contract.step_contract import StepContract, Value

Arguments = Callable[..., PipelineArguments]
IMAGE = "registry.example/learn2compress@sha256:" + "0" * 64


def local_edges(arguments: PipelineArguments) -> set[tuple[str, str, str, str]]:
    """(producer, its output, reader, its input) of the TFX components."""
    return {
        (channel.producer_component_id, channel.output_key, component.id, key)
        for component in arguments.components()
        for key, channel in component.inputs.items()
    }


def compiled_edges(spec: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """The same of the specification, with component ids for task names."""
    tasks = spec["root"]["dag"]["tasks"]
    ids = {name: contract_of(spec, name).component for name in tasks}
    edges = set()
    for name, task in tasks.items():
        for key, source in task["inputs"].get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            edges.add((ids[output["producerTask"]], output["outputArtifactKey"], ids[name], key))
    return edges


def compile_spec(arguments: PipelineArguments) -> dict[str, Any]:
    graph = build_graph(arguments)
    return pipeline_spec(graph, IMAGE, pods_of(graph, arguments.config.kubernetes), {})


def contract_of(spec: dict[str, Any], task: str) -> StepContract:
    container = spec["deploymentSpec"]["executors"][f"exec-{task}"]["container"]
    return StepContract.from_json(container["args"][container["args"].index("--contract") + 1])


def parameters_of_run(spec: dict[str, Any], **changes: Value) -> dict[str, dict[str, Value]]:
    """Parameters that each executor gets, by component id, in a run with these parameters changed."""
    declared = spec["root"]["inputDefinitions"]["parameters"]
    run = {name: declaration["defaultValue"] for name, declaration in declared.items()} | changes
    found = {}
    for name, task in spec["root"]["dag"]["tasks"].items():
        given = {
            key: run[source["componentInputParameter"]]
            if "componentInputParameter" in source
            else source["runtimeValue"]["constant"]
            for key, source in task["inputs"]["parameters"].items()
        }
        contract = contract_of(spec, name)
        found[contract.component] = resolve_exec_properties(contract, given)
    return found


def local_parameters(arguments: PipelineArguments) -> dict[str, dict[str, Value]]:
    return {component.id: dict(component.exec_properties) for component in arguments.components()}


def test_both_graphs_have_the_same_steps_edges_and_parameters(
    config: CompressionConfig, make_arguments: Arguments
) -> None:
    arguments = make_arguments(config)
    spec = compile_spec(arguments)
    contracts = {name: contract_of(spec, name) for name in spec["root"]["dag"]["tasks"]}
    components = {component.id: component for component in arguments.components()}
    assert {contract.component for contract in contracts.values()} == set(components)
    assert compiled_edges(spec) == local_edges(arguments)
    assert parameters_of_run(spec) == local_parameters(arguments)
    for contract in contracts.values():
        component = components[contract.component]
        assert set(contract.outputs) == set(component.outputs)
        assert contract.executor.endswith(component.executor_spec.executor_class.__qualname__)


def test_a_step_waits_for_those_it_reads_from_and_for_no_other(
    config: CompressionConfig, make_arguments: Arguments
) -> None:
    arguments = make_arguments(config)
    tasks = compile_spec(arguments)["root"]["dag"]["tasks"]
    waits: dict[str, set[str]] = {name: set() for name in tasks}
    for producer, _, reader, _ in local_edges(arguments):
        waits[kebab_name(reader)].add(kebab_name(producer))
    assert {name: set(task.get("dependentTasks", ())) for name, task in tasks.items()} == waits


def test_a_run_with_changed_parameters_is_the_run_of_a_changed_configuration(
    config: CompressionConfig, make_arguments: Arguments
) -> None:
    spec = compile_spec(make_arguments(config))
    changes: dict[str, Value] = {
        "teacher_uri": "gs://other/teacher.keras",
        "teacher_sha256": "another",
        "data_fingerprint": "newer",
        "epochs": 3,
        "seed": 99,
        "push_uri": "gs://other/pushed",
        "checkpoint_root": "/elsewhere",
    }
    changed = dataclasses.replace(
        config,
        teacher=dataclasses.replace(config.teacher, uri=changes["teacher_uri"]),
        training=dataclasses.replace(config.training, epochs=3),
        push=dataclasses.replace(config.push, uri=changes["push_uri"]),
        seed=99,
    )
    if config.data.uri is not None:
        changes["data_uri"] = "gs://other/data"
        changed = dataclasses.replace(changed, data=dataclasses.replace(changed.data, uri="gs://other/data"))
    arguments = make_arguments(changed, teacher_sha256="another", data_fingerprint="newer")
    arguments = dataclasses.replace(arguments, checkpoint_root="/elsewhere")
    assert parameters_of_run(spec, **changes) == local_parameters(arguments)


def test_only_steps_that_depend_on_a_run_parameter_are_given_it(
    make_config: Callable[..., CompressionConfig], make_arguments: Arguments
) -> None:
    graph = build_graph(make_arguments(make_config()))
    readers: dict[str, set[str]] = {}
    for task in graph.tasks:
        for value in task.parameters.values():
            if isinstance(value, FromRun):
                readers.setdefault(value.name, set()).add(task.name.partition("-")[0])
    trainings = {"joint", "prune", "quantize"}
    assert readers == {
        "data_uri": {"ingest", "pusher"},
        "data_fingerprint": {"ingest"},
        "teacher_uri": {"teacher", "pusher"},
        "teacher_sha256": {"teacher", "pusher"},
        "epochs": trainings | {"pusher"},
        "seed": trainings | {"evaluate", "pusher"},
        "push_uri": {"pusher"},
        "checkpoint_root": trainings | {"ingest"},
    }


def test_names_that_kubernetes_cannot_tell_apart_are_refused(
    make_config: Callable[..., CompressionConfig], make_arguments: Arguments
) -> None:
    config = make_config(students=(StudentConfig("small", 1), StudentConfig("small_", 2)))
    with pytest.raises(ConfigError, match=r"students: found names.*prune-small"):
        build_graph(make_arguments(config))
