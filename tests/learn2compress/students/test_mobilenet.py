"""Inverted residuals: they widen, filter by channel and narrow, and are added where shapes allow."""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig
from learn2compress.students.layers import Layers
from learn2compress.students.mobilenet import MobileNet


def test_a_block_widens_by_four_filters_by_channel_and_narrows() -> None:
    inputs = keras.Input((8, 8, 16))
    model = keras.Model(inputs, MobileNet().stage(inputs, StageConfig(24, blocks=2), 2, Layers()))
    assert model.output_shape == (None, 4, 4, 24)
    assert model.get_layer("stage2_block1_expand").filters == 4 * 16
    assert model.get_layer("stage2_block2_expand").filters == 4 * 24
    assert model.get_layer("stage2_block1_depthwise").strides == (2, 2)
    # Only the second block has an input of its output's shape.
    assert [layer.name for layer in model.layers if isinstance(layer, keras.layers.Add)] == ["stage2_block2_add"]
    assert model.layers[-1].name == "stage2_block2_add"


def test_the_first_stage_begins_with_a_full_convolution_and_does_not_widen_its_first_block() -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, MobileNet().stage(inputs, StageConfig(8, blocks=2), 1, Layers()))
    names = [layer.name for layer in model.layers]
    assert names[1] == "stem_conv"
    assert "stage1_block1_expand" not in names
    assert "stage1_block2_expand" in names
    assert model.output_shape == (None, 8, 8, 8)


def test_activations_end_at_six() -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, MobileNet().stage(inputs, StageConfig(8, blocks=2), 1, Layers()))
    limits = {layer.max_value for layer in model.layers if isinstance(layer, keras.layers.ReLU)}
    assert limits == {6.0}
