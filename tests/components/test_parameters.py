"""Component parameters are the configuration and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from components.parameters import config_from, exec_properties_of, from_json, json_of, parameters_of
from learn2compress.config import (
    ConstraintsConfig,
    Corruption,
    DataConfig,
    DataFormat,
    DeviceConfig,
    EvaluateConfig,
    PruneConfig,
    PushConfig,
    QuantizeConfig,
    TaskConfig,
    TeacherConfig,
    TeacherOutput,
    TrainingConfig,
)

CONFIGS = [
    ConstraintsConfig(max_model_bytes=1000, max_accuracy_drop=0.1),
    DataConfig(),
    DataConfig(format=DataFormat.TSV, uri="train.tsv", held_out_uri="test.tsv", resize=True),
    DataConfig(format=DataFormat.CSV, uri="a.csv", header=True, label_column="kind", text_column=2, num_records=9),
    EvaluateConfig(),
    EvaluateConfig(
        threads=(2,),
        slice_by="{slice}/*",
        corruptions=(Corruption.CONTRAST,),
        device=DeviceConfig("emulator-5554", "/opt/benchmark_model"),
    ),
    PruneConfig(sparsity_ratio=0.25),
    PushConfig(),
    QuantizeConfig(),
    TaskConfig(),
    TeacherConfig(uri="teacher.keras"),
    TeacherConfig(uri="teacher.keras", output=TeacherOutput.LOGITS),
    TrainingConfig(),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_a_configuration_comes_back_from_its_parameters(config: Any) -> None:
    properties = exec_properties_of(config)
    assert config_from(type(config), properties) == config
    assert from_json(type(config), json_of(config)) == config


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_parameters_have_the_types_of_their_values(config: Any) -> None:
    parameters = parameters_of(type(config), extra=str)
    assert set(parameters) == {field.name for field in dataclasses.fields(config)} | {"extra"}
    for name, value in exec_properties_of(config).items():
        assert isinstance(value, parameters[name].type)


def test_integers_may_have_become_doubles() -> None:
    properties = exec_properties_of(PruneConfig(epochs=3)) | {"epochs": 3.0}
    assert config_from(PruneConfig, properties) == PruneConfig(epochs=3)


def test_lineage_shows_plain_words() -> None:
    properties = exec_properties_of(TeacherConfig(uri="teacher.keras", output=TeacherOutput.LOGITS))
    assert (properties["uri"], properties["output"]) == ("teacher.keras", "logits")
