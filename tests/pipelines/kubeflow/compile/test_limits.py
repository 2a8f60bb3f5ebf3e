"""What takes a package bears it, or somebody is told before."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest
import yaml

from learn2compress.config import CompressionConfig, StageConfig, StudentConfig, TrainingConfig
from pipelines.kubeflow.compile.limits import graph_bytes, notes_on_size
from pipelines.kubeflow.compile.package import package_text
from pipelines.kubeflow.compile.run_parameters import PipelineArguments

Package = Callable[..., str]


@pytest.fixture(scope="module")
def package(make_config: Callable[..., CompressionConfig], make_arguments: Callable[..., PipelineArguments]) -> Package:
    """A package of a family of so many students."""

    def make(num_students: int, *, kubernetes_manifest: bool = False) -> str:
        training = TrainingConfig(stages=tuple(StageConfig(16) for _ in range(num_students)))
        students = tuple(StudentConfig(f"student_{stage}", stage) for stage in range(1, num_students + 1))
        arguments = make_arguments(make_config(training=training, students=students))
        return package_text(arguments.config, arguments.provenance, "image", kubernetes_manifest=kubernetes_manifest)

    return make


def argument_of(package: str) -> str:
    """What Argo before 3.7.10 starts the driver of the whole graph with."""
    return json.dumps(next(yaml.safe_load_all(package))["root"], separators=(",", ":"))


def test_the_largest_family_starts_everywhere(package: Package) -> None:
    text = package(16)
    assert notes_on_size(text) == []
    subprocess.run(["true", argument_of(text)], check=True)


def test_a_graph_that_no_process_can_be_given_is_told() -> None:
    text = yaml.safe_dump_all([{"root": {"dag": "a" * 2**17}}, {"platforms": {}}])
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["true", argument_of(text)], check=True)
    (note,) = notes_on_size(text)
    assert "2.17 runs it; 2.16" in note


def test_a_large_manifest_is_told_how_it_is_taken(package: Package) -> None:
    assert notes_on_size(package(2, kubernetes_manifest=True)) == []
    assert "kubectl apply --server-side" in notes_on_size(package(16, kubernetes_manifest=True))[-1]


def test_no_text_is_there_twice(package: Package) -> None:
    spec = next(yaml.safe_load_all(package(6)))
    constants = [
        source["runtimeValue"]["constant"]
        for task in spec["root"]["dag"]["tasks"].values()
        for source in task["inputs"]["parameters"].values()
        if "runtimeValue" in source
    ]
    assert max(len(value) for value in constants if isinstance(value, str)) <= 64
    assert graph_bytes(spec) < 40_000
