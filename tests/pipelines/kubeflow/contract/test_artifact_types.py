"""Our artifacts keep their types on the way through Kubeflow's untyped metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import artifacts
from components.artifacts import Evaluation, Examples, LiteRtModel, Student, TeacherLogits
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.contract.artifact_types import (
    class_path,
    load_class,
    metadata_of,
    properties_of,
    restore_artifact,
    schema_title,
)


def test_properties_come_back_as_they_were_set() -> None:
    model = LiteRtModel()
    model.student, model.model_bytes = "small", 12
    model.set_string_custom_property("note", "kept")
    doubles = {name: float(value) if isinstance(value, int) else value for name, value in properties_of(model).items()}
    metadata = metadata_of("flowers", "Quantize.small", "model", LiteRtModel.TYPE_NAME, doubles)
    back = restore_artifact(LiteRtModel, "/a/folder", metadata)
    assert properties_of(back) == properties_of(model)
    assert (back.uri, type(back.model_bytes)) == ("/a/folder", int)


def test_metadata_name_the_artifact_for_people() -> None:
    assert metadata_of("flowers", "Ingest", "examples", "L2CExamples", {"num_train": 3}) == {
        "num_train": 3,
        "artifact_type": "L2CExamples",
        "pipeline_name": "flowers",
        "display_name": "Ingest examples",
    }


def test_numbers_that_json_does_not_have_are_left_out() -> None:
    evaluation = Evaluation()
    evaluation.accuracy, evaluation.latency_ms = float("nan"), 0.25
    assert {name for name in properties_of(evaluation) if name in ("accuracy", "latency_ms")} == {"latency_ms"}


@pytest.mark.parametrize("value", ["many", 3.5, True, None])
def test_a_value_that_does_not_fit_is_one_line(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^L2CExamples.num_train: the metadata have .*, which is no INT;"):
        restore_artifact(Examples, "/a", {"num_train": value})


def test_classes_are_found_by_their_path() -> None:
    for kind in (Examples, LiteRtModel, Path):
        assert load_class(class_path(kind)) is kind


def test_each_class_has_a_type_that_kubeflow_knows() -> None:
    titles = {kind: schema_title(kind) for kind in (Examples, TeacherLogits, Student, Evaluation)}
    assert list(titles.values()) == ["system.Dataset", "system.Dataset", "system.Model", "system.Artifact"]
    assert schema_title(artifacts.Teacher) == "system.Model"
