"""Ranges of weights: symmetric, per channel, clipped for 4 bits."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from learn2compress.quantization.convert import to_float_litert
from learn2compress.quantization.post_training import layers_of
from learn2compress.quantization.weight_ranges import clipping, weight_ranges


def test_each_channel_reaches_to_its_largest_weight_and_one_of_zeros_has_the_kernels_range() -> None:
    inputs = keras.Input((6, 6, 2))
    conv = layers.Conv2D(4, 3, name="conv")
    model = keras.Model(inputs, layers.Dense(3, name="logits")(layers.Flatten()(conv(inputs))))
    kernel = np.array(conv.kernel)
    kernel[..., 1] = 0.0
    conv.kernel.assign(kernel)
    file = to_float_litert(model).pack()
    (layer,) = [name for name, operator in layers_of(file).items() if operator == "CONV_2D"]
    (bounds,) = weight_ranges(file, {layer: 8}).values()
    expected = np.abs(kernel).max(axis=(0, 1, 2))
    expected[1] = expected.max()
    np.testing.assert_allclose(bounds["max"].ravel(), expected, rtol=1e-6)
    np.testing.assert_array_equal(bounds["min"], -bounds["max"])
    assert bounds["max"].shape == (4, 1, 1, 1)


def test_clipping_loses_less_than_reaching_to_the_largest_weight() -> None:
    magnitudes = np.abs(np.random.default_rng(0).laplace(size=(2, 1000))).astype(np.float32)
    magnitudes[1] = 0.0
    largest = magnitudes.max(axis=1, keepdims=True)
    bounds = clipping(magnitudes, largest, (1,))

    def error(bound: float) -> float:
        step = bound / 7
        return float(np.square(np.minimum(np.rint(magnitudes[0] / step), 7) * step - magnitudes[0]).sum())

    assert 0 < bounds[0, 0] < largest[0, 0]
    assert error(bounds[0, 0]) < 0.75 * error(largest[0, 0])
    assert bounds[1, 0] == 0.0
