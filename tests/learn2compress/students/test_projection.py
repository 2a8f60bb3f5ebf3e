"""Dense layers over text features, without a table."""

from __future__ import annotations

import keras

from learn2compress.config import StageConfig, TaskKind
from learn2compress.students.layers import Layers
from learn2compress.students.projection import Projection


def test_a_stage_is_dense_layers_and_the_head_is_logits_alone() -> None:
    projection, layers = Projection(), Layers(prefix="small_")
    inputs = keras.Input((64,))
    features = projection.stage(inputs, StageConfig(24, blocks=2), 1, layers)
    model = keras.Model(inputs, projection.head(features, 5, layers))
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [(layer.name, layer.units, layer.use_bias) for layer in dense] == [
        ("small_stage1_dense1", 24, False),
        ("small_stage1_dense2", 24, False),
        ("small_logits", 5, True),
    ]
    assert not any(isinstance(layer, keras.layers.Embedding) for layer in model.layers)
    assert projection.task_kind is TaskKind.TEXT


def test_width_multiplies_the_units() -> None:
    inputs = keras.Input((64,))
    assert Projection().stage(inputs, StageConfig(24), 1, Layers(0.5)).shape == (None, 12)
