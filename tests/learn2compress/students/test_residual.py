"""Residual networks: where the image is halved, where blocks are added, and the head of a small and a large image."""

from __future__ import annotations

import keras
import pytest

from learn2compress.config import StageConfig
from learn2compress.students.layers import Layers
from learn2compress.students.residual import Residual, halves, pooled_head


def kinds_of(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def test_blocks_after_the_first_are_added_to_their_input() -> None:
    inputs = keras.Input((8, 8, 16))
    outputs = Residual().stage(inputs, StageConfig(16, blocks=3), 2, Layers())
    model = keras.Model(inputs, outputs)
    assert outputs.shape == (None, 4, 4, 16)
    assert kinds_of(model).count("Conv2D") == 3
    assert [layer.name for layer in model.layers if isinstance(layer, keras.layers.Add)] == [
        "stage2_add2",
        "stage2_add3",
    ]


@pytest.mark.parametrize(
    ("size", "halve", "number", "expected"),
    [(8, True, 1, False), (8, True, 2, True), (8, False, 2, False), (1, True, 2, False)],
)
def test_a_stage_halves_where_it_is_to_and_can(size: int, halve: bool, number: int, expected: bool) -> None:
    assert halves(keras.Input((size, size, 4)), StageConfig(4, halve=halve), number) is expected


@pytest.mark.parametrize(("size", "mixes"), [(1, False), (2, False), (6, False), (8, True), (16, True)])
def test_the_head_convolves_by_channel_where_the_pooled_image_is_large(size: int, mixes: bool) -> None:
    inputs = keras.Input((size, size, 6))
    model = keras.Model(inputs, pooled_head(inputs, 10, Layers(prefix="small_")))
    assert ("DepthwiseConv2D" in kinds_of(model)) is mixes
    assert model.output_shape == (None, 10)
    assert model.layers[-1].name == "small_logits"
    assert model.get_layer("small_conv").filters == 12


def test_the_head_of_a_wide_image_is_no_wider_than_its_limit() -> None:
    inputs = keras.Input((8, 8, 64))
    model = keras.Model(inputs, pooled_head(inputs, 10, Layers(), most_channels=100))
    assert model.get_layer("conv").filters == 100
