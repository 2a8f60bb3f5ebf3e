from __future__ import annotations

import pytest

from learn2compress.config import StudentConfig, TaskConfig, TrainingConfig
from learn2compress.search.stages_for_sizes import trunk_for_sizes
from learn2compress.students.joint import build_joint_network, standalone_student

LABELS = tuple("0123456789")


@pytest.mark.parametrize(
    ("shape", "limits"),
    [
        ((8, 8, 1), {"large": 40_000, "small": 15_000}),
        ((32, 32, 3), {"large": 500_000, "small": 100_000}),
        ((32, 32, 3), {"small": 100_000, "large": 500_000}),
        ((224, 224, 3), {"a": 5_000_000, "b": 1_000_000, "c": 200_000}),
        ((32, 32, 3), {"one": 60_000}),
    ],
)
def test_each_student_is_within_its_size_and_uses_most_of_it(shape: tuple[int, ...], limits: dict[str, int]) -> None:
    trunk = trunk_for_sizes(shape, LABELS, limits)
    assert trunk is not None
    assert len(set(trunk.stage_of.values())) == len(limits)
    for name, limit in limits.items():
        assert 0.6 * limit < trunk.cost_of[name].model_bytes <= limit
        assert 1 <= trunk.stage_of[name] <= len(trunk.stages)
    largest = max(limits, key=lambda name: limits[name])
    assert trunk.stage_of[largest] == len(trunk.stages)


def test_the_costs_are_those_of_the_network() -> None:
    limits = {"large": 60_000, "small": 20_000}
    trunk = trunk_for_sizes((16, 16, 3), LABELS, limits)
    assert trunk is not None
    training = TrainingConfig(architecture="resnet", stages=trunk.stages)
    students = [StudentConfig(name, stage) for name, stage in trunk.stage_of.items()]
    joint = build_joint_network(TaskConfig(input_shape=(16, 16, 3)), 10, training, students)
    for name, cost in trunk.cost_of.items():
        assert standalone_student(joint, name).count_params() == cost.num_parameters


@pytest.mark.parametrize("limits", [{"small": 5_000}, {f"student_{number}": 20_000 for number in range(12)}])
def test_sizes_that_no_trunk_has_ends_for(limits: dict[str, int]) -> None:
    assert trunk_for_sizes((8, 8, 1), LABELS, limits) is None
