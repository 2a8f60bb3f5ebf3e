"""What is computed is what the networks and their int8 files have."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import QuantizationRecipe, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.student_file import StudentDescription, pack_student_file
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.resnet_cost import halved, resnet_cost, stem_strides

LABELS = tuple(f"class {index}" for index in range(10))
FLAT = StageConfig(32, 2, halve=False)
THREE = (StageConfig(16), StageConfig(32), StageConfig(64))


def student(shape: tuple[int, int, int], stages: tuple[StageConfig, ...], num_classes: int) -> keras.Model:
    training = TrainingConfig(architecture="resnet", stages=stages)
    joint = build_joint_network(TaskConfig(input_shape=shape), num_classes, training, [StudentConfig("large")])
    return standalone_student(joint, "large")


@pytest.mark.parametrize(
    ("shape", "stages", "num_classes"),
    [
        ((8, 8, 1), THREE, 10),
        ((8, 8, 1), (StageConfig(16), FLAT), 2),
        ((2, 3, 3), THREE, 10),
        ((28, 28, 1), (StageConfig(16, 3), StageConfig(32), FLAT), 10),
        ((32, 32, 3), THREE, 100),
        ((49, 10, 1), THREE, 12),
        ((50, 70, 3), (StageConfig(16, 2),), 10),
        ((97, 130, 3), THREE, 10),
        ((224, 224, 3), THREE, 10),
    ],
)
def test_parameters_and_operations_are_those_of_the_network(
    shape: tuple[int, int, int], stages: tuple[StageConfig, ...], num_classes: int
) -> None:
    network = student(shape, stages, num_classes)
    cost = resnet_cost(shape, [str(index) for index in range(num_classes)], stages)
    assert (cost.num_parameters, cost.macs) == (network.count_params(), count_macs(network))


@pytest.mark.parametrize(
    ("shape", "stages", "labels"),
    [
        ((32, 32, 3), THREE, LABELS),
        ((32, 32, 3), (StageConfig(16, 3), StageConfig(32, 2), StageConfig(64)), LABELS),
        ((96, 96, 3), (StageConfig(16), StageConfig(16), StageConfig(32)), LABELS),
        ((28, 28, 1), (*THREE, StageConfig(64, 2, halve=False)), tuple(f"{'long' * 5} {n}" for n in range(200))),
    ],
)
def test_bytes_are_those_of_the_full_int8_file_or_a_little_more(
    shape: tuple[int, int, int], stages: tuple[StageConfig, ...], labels: tuple[str, ...]
) -> None:
    network = student(shape, stages, len(labels))
    random = np.random.default_rng(0)
    # Constants that are equal would be stored once: those of a trained student differ.
    network.set_weights([weights + random.uniform(0.01, 0.1, weights.shape) for weights in network.get_weights()])
    trainable = quantization_aware(network)
    trainable(random.random((16, *shape), np.float32), training=True)
    description = StudentDescription("my_family", "large", labels, TaskConfig(input_shape=shape))
    file = pack_student_file(to_int8_litert(trainable), QuantizationRecipe.INT8_QAT, description)
    computed = resnet_cost(shape, labels, stages).model_bytes
    assert len(file) <= computed <= 1.03 * len(file)


def test_an_image_is_halved_until_it_has_no_more_pixels_than_48_by_48() -> None:
    assert stem_strides(48, 48) == (1,)
    assert stem_strides(48, 49) == (2,)
    assert stem_strides(96, 96) == (2,)
    assert stem_strides(224, 224) == (2, 2, 2)
    assert stem_strides(40, 2000) == (2, 2, 2)  # 5 x 250; a side of three pixels would be too short
    assert stem_strides(6, 1000) == (1,)


def test_halving_rounds_up() -> None:
    assert [halved(pixels) for pixels in (1, 2, 7, 8)] == [1, 1, 4, 4]
