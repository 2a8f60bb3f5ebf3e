"""Cells: two separable convolutions and a shortcut, added; a cell that halves pools its shortcut."""

from __future__ import annotations

import keras
import pytest

from learn2compress.config import StageConfig
from learn2compress.students.layers import Layers
from learn2compress.students.nasnet import NasNet


@pytest.mark.parametrize(("halve", "num_pools", "size"), [(True, 1, 4), (False, 0, 8)])
def test_a_cell_adds_two_separable_convolutions_and_its_shortcut(halve: bool, num_pools: int, size: int) -> None:
    inputs = keras.Input((8, 8, 16))
    model = keras.Model(inputs, NasNet().stage(inputs, StageConfig(24, halve=halve), 2, Layers()))
    assert model.output_shape == (None, size, size, 24)
    depthwise = [layer for layer in model.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    assert [layer.kernel_size for layer in depthwise] == [(3, 3), (5, 5)]
    assert sum(isinstance(layer, keras.layers.Add) for layer in model.layers) == 2
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers) == num_pools


def test_no_activation_is_between_the_two_convolutions_of_a_separable_one() -> None:
    inputs = keras.Input((8, 8, 16))
    model = keras.Model(inputs, NasNet().stage(inputs, StageConfig(16), 2, Layers()))
    for size in (3, 5):
        depthwise = model.get_layer(f"stage2_cell1_separable{size}_depthwise")
        assert model.get_layer(f"stage2_cell1_separable{size}_pointwise").input is depthwise.output


def test_the_first_stage_begins_with_a_full_convolution() -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, NasNet().stage(inputs, StageConfig(8), 1, Layers()))
    assert [layer.name for layer in model.layers[1:4]] == ["stem_conv", "stem_norm", "stem_relu"]
