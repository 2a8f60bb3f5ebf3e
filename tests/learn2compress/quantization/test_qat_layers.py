"""Rounding of activations and kernels."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.quantization.qat_layers import (
    QuantizedConv2D,
    QuantizedDense,
    QuantizedDepthwiseConv2D,
    QuantizedEmbedding,
    QuantizedRange,
    QuantizedRescaling,
)


def test_a_range_follows_what_it_sees_and_holds_zero() -> None:
    layer = QuantizedRange()
    layer(np.array([1.0, 3.0], np.float32), training=True)
    assert (float(layer.low), float(layer.high)) == (0.0, 3.0)
    layer(np.array([-2.0, 1.0], np.float32), training=True)
    assert float(layer.low) == pytest.approx(-2.0 * 0.05)
    assert float(layer.high) == pytest.approx(3.0 * 0.95 + 1.0 * 0.05)
    still = (float(layer.low), float(layer.high))
    layer(np.array([50.0], np.float32), training=False)
    assert (float(layer.low), float(layer.high)) == still


def test_rows_are_looked_up_by_numbers_of_any_type() -> None:
    layer = QuantizedEmbedding(4, 2)
    rows = np.array([[3, 0, 1]])
    found = np.asarray(layer(rows.astype(np.float32)))
    np.testing.assert_array_equal(found, layer(rows))
    np.testing.assert_allclose(found, np.asarray(layer.embeddings)[rows], atol=0.001)


def test_the_input_is_rounded_to_bytes_exactly() -> None:
    layer = QuantizedRange(fixed_range=(0.0, 1.0))
    pixels = np.arange(256, dtype=np.float32) / 255
    np.testing.assert_allclose(layer(pixels, training=True), pixels, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "offset", "expected"),
    [
        (1.0, 0.0, (0.0, 1.0)),
        (2.0, -1.0, (-128 / 127, 1.0)),
        (2.0, 1.0, (0.0, 3.0)),
        (1.0, -2.0, (-2.0, 0.0)),
        ([1.0, 3.0], [0.0, 0.0], (0.0, 3.0)),
    ],
)
def test_a_rescaled_pixel_has_a_range_of_which_zero_is_a_level(
    scale: float, offset: float, expected: tuple[float, float]
) -> None:
    low, high = QuantizedRescaling(scale, offset).output_range()
    assert (low, high) == pytest.approx(expected)
    zero_point = -low / (high - low) * 255
    assert zero_point == pytest.approx(round(zero_point), abs=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape", "per_channel"),
    [
        (QuantizedConv2D(5, 3), (4, 4, 2), True),
        (QuantizedDepthwiseConv2D(3, depth_multiplier=2), (4, 4, 5), True),
        (QuantizedDense(5), (7,), False),
    ],
)
def test_kernels_have_127_steps_to_each_side(layer: keras.Layer, shape: tuple[int, ...], per_channel: bool) -> None:
    layer.build((None, *shape))
    # For one input at a time, a layer gives the weights that it uses.
    identity = np.eye(int(np.prod(shape)), dtype=np.float32).reshape(-1, *shape)
    kernel = np.array(layer.variables[0])
    channels = kernel.reshape(-1, kernel.shape[-1] * (kernel.shape[-2] if "Depthwise" in type(layer).__name__ else 1))
    bound = np.abs(channels).max(axis=0) if per_channel else np.abs(channels).max()
    outputs = np.array(layer(identity)).reshape(-1, channels.shape[1])
    steps = outputs / bound * 127
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.abs(steps).max() == pytest.approx(127, abs=1e-3)
