"""A compiled package is read back as what the steps of a run are told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.compile.package_steps import parse_run_parameters, specification_of, steps_of


@pytest.fixture(scope="session")
def package(make_config: Callable[..., CompressionConfig], make_arguments: Callable[..., Any]) -> str:
    from pipelines.kubeflow.compile.package import package_text

    config = make_config()
    return package_text(config, make_arguments(config).provenance, "image", kubernetes_manifest=False)


def test_steps_are_our_components_in_the_order_of_the_graph(package: str) -> None:
    names = [step.component for step in steps_of(specification_of(package), {})]
    assert set(names) >= {"Ingest", "TeacherLoad", "JointDistillTrainer", "Prune.small_one", "Evaluate.large", "Pusher"}
    assert (
        names.index("Ingest") < names.index("TeacherLoad") < names.index("Prune.large") < names.index("Quantize.large")
    )
    assert names[-1] == "Pusher"


def test_what_a_run_sets_is_what_its_steps_are_told(
    package: str, make_config: Callable[..., CompressionConfig], make_arguments: Callable[..., Any]
) -> None:
    config = make_config()
    changed = dataclasses.replace(config, training=dataclasses.replace(config.training, epochs=3))
    # As the server has it: both documents, and every number a double.
    documents = list(yaml.safe_load_all(package))
    stored = json.loads(json.dumps({"pipeline_spec": documents[0], "platform_spec": documents[1]}), parse_int=float)
    steps = {step.component: step.parameters for step in steps_of(specification_of(stored), {"epochs": 3.0})}
    for component in make_arguments(changed).components():
        # Where a package keeps checkpoints is not where the arguments say.
        expected = {name: value for name, value in component.exec_properties.items() if "checkpoint" not in name}
        told = {name: value for name, value in steps[component.id].items() if "checkpoint" not in name}
        assert told == expected, component.id


def test_values_have_the_types_of_their_parameters(small_package: str) -> None:
    read = parse_run_parameters(["epochs=3", "rate=1", "push_uri=s3://a=b"], small_package)
    assert read == {"epochs": 3, "rate": 1.0, "push_uri": "s3://a=b"}
    assert [type(value) for value in read.values()] == [int, float, str]


@pytest.mark.parametrize("text", ["epoch=3", "epochs", "epochs=many", "rate=x", "=3"])
def test_values_that_fit_no_parameter_are_refused(small_package: str, text: str) -> None:
    with pytest.raises(ConfigError, match="--parameter"):
        parse_run_parameters([text], small_package)


@pytest.mark.parametrize("package", [None, {}, {"root": {}}, "", {"pipeline_spec": None}])
def test_no_package_has_no_steps(package: Any) -> None:
    assert steps_of(specification_of(package), {}) == ()
