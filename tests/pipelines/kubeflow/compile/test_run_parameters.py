"""Where a run parameter goes is found by building the graph twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import CompressionConfig, DataConfig
from pipelines.kubeflow.compile import run_parameters
from pipelines.kubeflow.compile.run_parameters import PipelineArguments, targets_of
from pipelines.kubeflow.contract.step_contract import ParameterKind, ParameterTarget

Config = Callable[..., CompressionConfig]
Arguments = Callable[..., PipelineArguments]


def test_a_run_parameter_has_the_type_and_the_value_of_its_field(
    make_config: Config, make_arguments: Arguments
) -> None:
    found = {given.name: given for given in run_parameters.run_parameters(make_arguments(make_config()))}
    assert (found["seed"].kind, found["seed"].default) == (ParameterKind.INTEGER, 7)
    assert (found["data_uri"].kind, found["data_uri"].default) == (ParameterKind.TEXT, "s3://data/flowers")


def test_without_a_data_uri_there_is_none_to_change(make_config: Config, make_arguments: Arguments) -> None:
    found = run_parameters.run_parameters(make_arguments(make_config(data=DataConfig())))
    assert "data_uri" not in {given.name for given in found}


def test_targets_are_parameters_and_places_in_their_json(make_config: Config, make_arguments: Arguments) -> None:
    targets = targets_of(make_arguments(make_config()))
    assert targets["Ingest"] == {
        "data_uri": [ParameterTarget("uri", ())],
        "data_fingerprint": [ParameterTarget("data_fingerprint", ())],
        "checkpoint_root": [ParameterTarget("checkpoint_root", ())],
    }
    assert ParameterTarget("training", ("epochs",)) in targets["Prune.large"]["epochs"]
    assert ParameterTarget("config", ("training", "epochs")) in targets["Pusher"]["epochs"]
    assert targets["Evaluate.large"] == {"seed": [ParameterTarget("seed", ())]}
    assert targets["Evaluate.teacher"] == {}


def test_a_default_that_is_a_mark_is_no_mistake(make_config: Config, make_arguments: Arguments) -> None:
    plain = make_config()
    for seed in (*run_parameters._NUMBER_MARKS, *(mark + 1 for mark in run_parameters._NUMBER_MARKS)):
        config = dataclasses.replace(plain, seed=seed)
        assert targets_of(make_arguments(config)) == targets_of(make_arguments(plain))


def test_a_value_that_is_computed_from_a_run_parameter_is_refused(
    make_config: Config, make_arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = run_parameters.create_components

    def computing(*arguments: Any) -> Any:
        components = build(*arguments)
        components[0].exec_properties["data_fingerprint"] = f"{arguments[0].seed} and more"
        return components

    monkeypatch.setattr(run_parameters, "create_components", computing)
    with pytest.raises(ValueError, match=r"Ingest.data_fingerprint: found a value computed from a run parameter"):
        targets_of(make_arguments(make_config()))
