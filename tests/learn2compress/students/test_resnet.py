"""Residual blocks of two convolutions: where the shortcut goes, where the image is halved, and what a student costs."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.layers import Layers
from learn2compress.students.resnet import ResNet


def stage_of(size: tuple[int, int, int], stage: StageConfig, number: int) -> keras.Model:
    inputs = keras.Input(size)
    return keras.Model(inputs, ResNet().stage(inputs, stage, number, Layers()))


def names_of(model: keras.Model, kind: type[keras.Layer]) -> list[str]:
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def test_a_stage_that_halves_adds_to_its_first_convolution_and_later_blocks_to_their_input() -> None:
    model = stage_of((8, 8, 16), StageConfig(32, blocks=2), 2)
    assert model.output_shape == (None, 4, 4, 32)
    assert names_of(model, keras.layers.Conv2D) == [
        "stage2_block1_first_conv",
        "stage2_block1_second_conv",
        "stage2_block2_first_conv",
        "stage2_block2_second_conv",
    ]
    assert model.get_layer("stage2_block1_first_conv").strides == (2, 2)
    assert model.get_layer("stage2_block1_second_conv").strides == (1, 1)
    first, second = (model.get_layer(f"stage2_block{number}_add").input for number in (1, 2))
    assert first[0] is model.get_layer("stage2_block1_first_relu").output
    assert second[0] is model.get_layer("stage2_block1_relu").output


def test_a_block_of_the_same_channels_and_size_adds_to_its_input() -> None:
    model = stage_of((8, 8, 16), StageConfig(16, halve=False), 2)
    assert model.output_shape == (None, 8, 8, 16)
    assert model.get_layer("stage2_block1_add").input[0] is model.input


def test_a_block_of_more_channels_without_halving_adds_to_its_first_convolution() -> None:
    model = stage_of((8, 8, 16), StageConfig(32, halve=False), 2)
    assert model.output_shape == (None, 8, 8, 32)
    assert model.get_layer("stage2_block1_add").input[0] is model.get_layer("stage2_block1_first_relu").output


@pytest.mark.parametrize(
    ("size", "stem", "output"),
    [
        ((8, 8, 1), [("stem_conv", 1)], (8, 8)),
        ((32, 32, 3), [("stem_conv", 1)], (32, 32)),
        ((48, 48, 3), [("stem_conv", 1)], (48, 48)),
        ((49, 10, 1), [("stem_conv", 1)], (49, 10)),
        ((49, 64, 3), [("stem_conv", 2)], (25, 32)),
        ((6, 400, 1), [("stem_conv", 1)], (6, 400)),  # halved, it would have three pixels
        ((96, 96, 3), [("stem_conv", 2)], (48, 48)),
        ((97, 97, 3), [("stem_conv", 2), ("stem2_conv", 2)], (25, 25)),
        ((224, 224, 3), [("stem_conv", 2), ("stem2_conv", 2), ("stem3_conv", 2)], (28, 28)),
    ],
)
def test_the_stem_halves_a_large_image_before_the_first_stage(
    size: tuple[int, int, int], stem: list[tuple[str, int]], output: tuple[int, int]
) -> None:
    model = stage_of(size, StageConfig(16), 1)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.name, layer.strides[0]) for layer in convolutions if layer.name.startswith("stem")] == stem
    assert model.output_shape == (None, *output, 16)
    # The first stage itself never halves.
    assert model.get_layer("stage1_block1_add").input[0].shape == model.output.shape


def test_the_head_is_no_wider_than_its_stage() -> None:
    inputs = keras.Input((8, 8, 16))
    model = keras.Model(inputs, ResNet().head(inputs, 10, Layers(prefix="small_")))
    assert model.output_shape == (None, 10)
    assert model.get_layer("small_conv").filters == 16


def test_a_student_of_cifar_10_costs_what_it_did() -> None:
    """Long trainings are resumed by their weights' names and shapes: these must not change unnoticed."""
    training = TrainingConfig(architecture="resnet", stages=(StageConfig(16), StageConfig(32), StageConfig(64)))
    joint = build_joint_network(TaskConfig(input_shape=(32, 32, 3)), 10, training, [StudentConfig("large")])
    student = standalone_student(joint, "large")
    assert (student.count_params(), count_macs(student)) == (80_954, 12_314_240)
    first = [weight.path for weight in student.weights][:5]
    assert first == ["stem_conv/kernel", *(f"stem_norm/{name}" for name in ("gamma", "beta", "moving_mean",
                                                                           "moving_variance"))]  # fmt: skip
    assert student(np.zeros((2, 32, 32, 3), np.float32)).shape == (2, 10)
