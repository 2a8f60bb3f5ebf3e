from __future__ import annotations

from typing import Any

import pytest

from learn2compress import progress
from learn2compress.compression.settings import check_settings, sized_students, whole
from learn2compress.config import Sharing, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError

LABELS = tuple("0123456789")
IMAGES, TEXTS = TaskConfig(input_shape=(32, 32, 3)), TaskConfig(TaskKind.TEXT, (512,))
SIZES = {"large": "500 kB", "small": "100 kB"}


@pytest.mark.parametrize(
    ("settings", "students", "message"),
    [
        ({"epochs": 5}, SIZES, "epochs: found an unknown keyword, accepted are constraints, data,"),
        ({"push": {"uri": "x"}}, SIZES, "push: found it as a keyword, accepted is none here"),
        ({"search": {}}, SIZES, "search: found it as a keyword"),
        ({"training": {"epoch": 5}}, SIZES, "training.epoch: found an unknown key.*did you mean 'epochs'"),
        ({"prune": {"sparsity_ratio": 50}}, SIZES, "prune.sparsity_ratio"),
        ({}, {"large": "huge"}, "students.large: found 'huge', accepted is a number of bytes"),
        ({}, {"Large": "500 kB"}, "students.Large.name"),
        ({}, {"large": {"depth": 3}}, "students.large.depth: found an unknown key"),
        ({}, {}, "students: found {}, accepted is a mapping of names to sizes"),
        ({}, ["500 kB"], "students: found \\['500 kB'\\]"),
        ({}, {"teacher": "500 kB"}, "teacher"),
    ],
)
def test_what_the_configuration_refuses_is_refused_before_anything_is_read(
    settings: dict[str, Any], students: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_settings(settings, students)


def test_sizes_become_exits_of_one_trunk_and_that_is_said(heard: list[progress.Progress]) -> None:
    sized = sized_students(SIZES, {"epochs": 3}, IMAGES, LABELS)
    config = whole({"training": sized.training}, {"uri": "t"}, {"format": "npz", "uri": "x"}, sized.students)
    assert config.training.epochs == 3
    assert config.training.architecture == "resnet"
    assert [student.name for student in config.students] == ["large", "small"]
    assert sized.max_model_bytes == {"large": 500_000, "small": 100_000}
    assert "one resnet trunk" in heard[-1].detail


@pytest.mark.parametrize(
    ("training", "task"),
    [({"architecture": "mobilenet"}, IMAGES), ({"stages": [{"channels": 8}]}, IMAGES), ({}, TEXTS)],
)
def test_with_a_network_of_its_own_sizes_become_widths(training: dict[str, Any], task: TaskConfig) -> None:
    sized = sized_students(SIZES, training, task, LABELS)
    config = whole(
        {"training": sized.training, "task": {"kind": task.kind.value, "input_shape": list(task.input_shape)}},
        {"uri": "t"},
        {"format": "npz" if task is IMAGES else "tsv", "uri": "x"},
        sized.students,
    )
    assert config.training.sharing is Sharing.WIDTH
    assert [student.budget.max_model_bytes for student in config.students if student.budget] == [500_000, 100_000]


def test_the_teachers_network_takes_no_size_and_changes_none_of_the_others() -> None:
    check_settings({}, {"own": "teacher"} | SIZES)
    alone, beside = (sized_students(given, {}, IMAGES, LABELS) for given in (SIZES, {"own": "teacher"} | SIZES))
    assert beside.students == ({"name": "own", "network": "teacher"}, *alone.students)
    assert (beside.training, beside.max_model_bytes) == (alone.training, alone.max_model_bytes)
    half = {"network": "teacher", "prune": {"method": "channels"}}
    only = sized_students({"own": "teacher", "half": half}, {}, IMAGES, LABELS)
    assert only.students == ({"name": "own", "network": "teacher"}, {"name": "half", **half})
    config = whole({"training": only.training}, {"uri": "t"}, {"format": "npz", "uri": "x"}, only.students)
    assert not config.trained_students


def test_students_as_in_a_configuration_stay_as_they_are() -> None:
    students = {"large": {"stage": 3}, "small": {"stage": 1, "budget": {"max_model_bytes": 9000}}}
    sized = sized_students(students, {"epochs": 3}, IMAGES, LABELS)
    assert sized.training == {"epochs": 3}
    assert sized.students == ({"name": "large", "stage": 3}, {"name": "small", **students["small"]})
    assert sized.max_model_bytes == {"small": 9000}


@pytest.mark.parametrize("name", ["data", "task", "training", "prune", "quantize", "evaluate", "constraints"])
@pytest.mark.parametrize("value", [5, [1], None, "x"])
def test_what_is_no_mapping_is_refused_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: ") as refused:
        check_settings({name: value}, {"small": "20 kB"})
    assert len(str(refused.value).splitlines()) == 1
