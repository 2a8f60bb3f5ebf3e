"""A family's ranges are whole, and nothing that it could not train or pick is accepted beside it."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import CompressionConfig, FamilyConfig, StageConfig
from learn2compress.config.parsing import ConfigError, parse, to_dict

GIVEN: dict[str, Any] = {
    "name": "a",
    "teacher": {"uri": "t"},
    "task": {"input_shape": [32, 24, 3]},
    "training": {"stages": [{"channels": 8, "blocks": 3}, {"channels": 16, "blocks": 2}]},
    "students": [{"name": "small", "budget": {"max_macs": 10}}, {"name": "best"}],
    "search": {"family": {"widths": [1.0, 0.5], "input_sizes": [32, 24]}},
}
TEXT = {"kind": "text", "input_shape": [64]}


def parsed(**changes: Any) -> CompressionConfig:
    return parse(CompressionConfig, GIVEN | changes)


def test_students_are_picked_and_not_trained_jointly() -> None:
    config = parsed(students=[*GIVEN["students"], {"name": "own", "network": "teacher"}])
    assert [student.name for student in config.picked_students] == ["small", "best"]
    assert [student.name for student in config.own_students] == ["own"]
    assert not config.trained_students
    assert config.trials is None
    assert config.shipped_names == ["small", "best", "own"]
    assert parse(CompressionConfig, to_dict(config)) == config


def test_without_a_family_nothing_is_picked() -> None:
    config = parsed(search={"trials": 2, "variants": 1}, students=[{"name": "small"}])
    assert config.family is None
    assert not config.picked_students
    assert [student.name for student in config.trained_students] == ["small"]
    assert config.trials is not None


def test_sub_networks_are_counted() -> None:
    stages = (StageConfig(8, 3), StageConfig(16, 2))
    family = FamilyConfig(widths=(1.0, 0.5, 0.75), input_sizes=(32, 24))
    assert family.widths == (0.5, 0.75, 1.0)
    assert family.input_sizes == (24, 32)
    assert family.num_exits(stages) == 5
    assert family.num_sub_networks(stages) == 30
    assert FamilyConfig(widths=(1.0,), blocks=False).num_sub_networks(stages) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": [0.5, 0.75]}, r"widths: found \[0.5, 0.75\], accepted are 1.0, which is trained on whole batches"),
        ({"widths": [1.0, 0.5, 0.5]}, "widths: found .* each once"),
        ({"widths": [1.0, 1.5]}, "widths.1: found 1.5, accepted: .*less than or equal to 1"),
        ({"input_sizes": [8, 8]}, r"input_sizes: found \[8, 8\], accepted are up to 8 heights, each once"),
        ({"joins_after_ratio": 1.0}, "joins_after_ratio: found 1.0, accepted"),
    ],
)
def test_ranges_that_are_not_whole_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(FamilyConfig, fields, "search.family")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {"family": {}, "trials": 4}}, "search: family: found it beside trials, accepted is it alone"),
        ({"search": {"family": {"input_sizes": [32, 40]}}}, "search.family.input_sizes: found 40, accepted .* to 32"),
        ({"task": TEXT}, r"search.family.input_sizes: found \[24, 32\] for a text task, accepted are none"),
        (
            {"search": {"family": {"widths": [1.0]}}, "training": {"stages": [{"channels": 8}]}},
            "search.family: found one sub-network, accepted are two or more",
        ),
        ({"training": {"validation_ratio": 0.0}}, "training.validation_ratio: found 0 beside search.family"),
        ({"teacher": {"uri": "t", "training": "joint"}}, "teacher.training: found 'joint' beside search.family"),
        ({"training": {"sharing": "hybrid"}}, "training.sharing: found 'hybrid' beside search.family"),
        ({"training": {"unshared_ratio": 0.5}}, "training.unshared_ratio: found 0.5 beside search.family"),
        ({"training": {"early_stopping_epochs": 2}}, "training.early_stopping_epochs: found 2 beside search.family"),
        (
            {"training": {"pretrained": {"uri": "t", "exits": ["a"]}}},
            "training.pretrained: found 't' beside search.family",
        ),
        ({"students": [{"name": "own", "network": "teacher"}]}, "found it beside students of network 'teacher' alone"),
        ({"students": [{"name": "s", "stage": 1}]}, "students.0.stage: found 1 beside search.family, .* a budget"),
        ({"students": [{"name": "s", "width": 0.5}]}, "students.0.width: found 0.5 beside search.family"),
        ({"students": [{"name": "s", "loss_weight": 2.0}]}, "students.0.loss_weight: found 2.0 beside search.family"),
    ],
)
def test_what_no_family_can_be_trained_with_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parsed(**changes)


def test_examples_of_a_split_of_their_own_compare_sub_networks_as_well() -> None:
    data = {"format": "image_folder", "uri": "train", "validation_uri": "validation", "held_out_uri": "test"}
    assert parsed(data=data, training={"validation_ratio": 0.0}).family is not None
