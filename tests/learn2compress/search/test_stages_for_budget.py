"""Stages for an image's size and budgets: what every family satisfies, and which one is chosen."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import keras
import pytest

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.search.stages_for_budget import STUDENT_NAMES, ResNetFamily, resnet_family
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.resnet_cost import resnet_cost

LABELS = tuple(f"class {index}" for index in range(10))
SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (49, 10, 1), (64, 64, 3), (96, 96, 3), (160, 120, 3), (224, 224, 3)]
BUDGETS: list[dict[str, int]] = [
    {},
    {"max_model_bytes": 45_000},
    {"max_model_bytes": 98_000, "max_macs": 60_000_000},
    {"max_model_bytes": 500_000},
    {"max_macs": 30_000_000},
    {"max_macs": 200_000_000},
]
CASES = list(itertools.product(SHAPES, BUDGETS))


def words(stages: Sequence[StageConfig]) -> str:
    return " ".join(f"{stage.channels}x{stage.blocks}{'' if stage.halve else '='}" for stage in stages)


def networks_of(shape: tuple[int, ...], family: ResNetFamily) -> dict[str, keras.Model]:
    training = TrainingConfig(architecture="resnet", stages=family.stages)
    students = [StudentConfig(student.name, student.stage) for student in family.students]
    joint = build_joint_network(TaskConfig(input_shape=shape), len(LABELS), training, students)
    return {name: standalone_student(joint, name) for name in joint.output}


@pytest.mark.parametrize(("shape", "budget"), CASES)
def test_three_students_of_different_sizes_leave_one_trunk_within_the_budgets(
    shape: tuple[int, ...], budget: dict[str, int]
) -> None:
    family = resnet_family(shape, LABELS, **budget)
    assert tuple(student.name for student in family.students) == STUDENT_NAMES
    large, medium, small = family.students
    assert large.stage == len(family.stages) > medium.stage > small.stage >= 1
    assert large.cost.model_bytes <= budget.get("max_model_bytes", 200_000_000)
    assert large.cost.macs <= budget.get("max_macs", 60_000_000 if not budget else 10**9)
    for larger, smaller in itertools.pairwise(family.students):
        assert smaller.cost.model_bytes <= 0.8 * larger.cost.model_bytes
        assert smaller.cost.macs < larger.cost.macs
    assert all(stage.channels % 16 == 0 and stage.channels <= 64 for stage in family.stages)
    assert list(family.stages) == sorted(family.stages, key=lambda stage: stage.channels)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_networks_cost_what_was_computed_and_no_stage_is_below_8x8_pixels(shape: tuple[int, ...]) -> None:
    family = resnet_family(shape, LABELS, max_macs=60_000_000)
    networks = networks_of(shape, family)
    for student in family.students:
        network = networks[student.name]
        assert (student.cost.num_parameters, student.cost.macs) == (network.count_params(), count_macs(network))
    trunk = [layer for layer in networks["large"].layers if layer.name.startswith(("stem", "stage"))]
    sizes = {layer.output.shape[1:3] for layer in trunk}
    assert min(height * width for height, width in sizes) >= 64
    if shape[0] == shape[1]:
        assert min(map(min, sizes)) >= 8


@pytest.mark.parametrize(
    ("shape", "stages"),
    [
        ((8, 8, 1), "16x2= 32x2= 64x1= 64x1="),
        ((16, 16, 1), "16x2= 32x2 64x1= 64x1="),
        ((32, 32, 3), "16x2= 32x2 64x1 64x1="),
        ((64, 64, 3), "16x2= 32x2 64x1 64x1="),
        ((49, 10, 1), "16x2= 32x2 64x1= 64x1="),  # 49x10, then 25x5
        ((4, 4, 3), "16x2= 32x2= 64x1= 64x1="),
    ],
)
def test_without_a_budget_there_are_two_blocks_at_each_resolution(shape: tuple[int, ...], stages: str) -> None:
    assert words(resnet_family(shape, LABELS).stages) == stages


@pytest.mark.parametrize(
    ("budget", "stages"),
    [
        ({"max_model_bytes": 98_000, "max_macs": 12_500_000}, "16x1= 32x1 64x1"),
        # Where bytes are scarce and operations are not, blocks go where the image is large, and the other way round.
        ({"max_model_bytes": 129_000}, "16x3= 32x1 32x1= 64x1"),
        ({"max_model_bytes": 256_000, "max_macs": 25_000_000}, "16x1= 32x1 64x1 64x2="),
        ({"max_macs": 8_000_000}, "16x1= 16x1 32x1"),
        ({"max_model_bytes": 1_000_000}, "32x3= 48x1 48x2= 64x3"),
    ],
)
def test_a_budget_of_cifar_10_is_made_the_most_of(budget: dict[str, int], stages: str) -> None:
    assert words(resnet_family((32, 32, 3), LABELS, **budget).stages) == stages


def test_many_classes_leave_fewer_bytes_for_the_trunk() -> None:
    budget = {"max_model_bytes": 150_000}
    few, many = (resnet_family((32, 32, 3), [f"{n:03}" for n in range(count)], **budget) for count in (2, 900))
    assert many.students[0].cost.model_bytes <= 150_000
    few_parameters, many_parameters = (
        resnet_cost((32, 32, 3), ["cat", "dog"], family.stages).num_parameters for family in (few, many)
    )
    assert many_parameters < few_parameters


@pytest.mark.parametrize(
    ("budget", "field", "attribute"),
    [({"max_model_bytes": 5000}, "max_model_bytes", "model_bytes"), ({"max_macs": 100_000}, "max_macs", "macs")],
)
def test_a_budget_that_nothing_fits_is_refused_with_what_would_do(
    budget: dict[str, int], field: str, attribute: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{field}: found {budget[field]}, accepted is at least (\d+): ") as caught:
        resnet_family((28, 28, 1), LABELS, **budget)
    assert "images of 28x28x1 and 10 classes" in str(caught.value)
    least = int(str(caught.value).split("at least ")[1].split(":")[0])
    assert getattr(resnet_family((28, 28, 1), LABELS, **{field: least}).students[0].cost, attribute) == least
    with pytest.raises(ConfigError):
        resnet_family((28, 28, 1), LABELS, **{field: least - 1})
