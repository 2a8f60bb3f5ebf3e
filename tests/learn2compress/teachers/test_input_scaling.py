"""Bytes become what the preprocessing of `keras.applications` makes of them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelOrder, InputScaling
from learn2compress.teachers.input_scaling import NO_SCALING, scaled_inputs

X = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
TORCH = InputScaling(
    multiply=(1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
    add=(-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
CAFFE = InputScaling(1.0, (-103.939, -116.779, -123.68), ChannelOrder.BGR)


@pytest.mark.parametrize(
    ("mode", "scaling"), [("tf", InputScaling(1 / 127.5, -1.0)), ("torch", TORCH), ("caffe", CAFFE)]
)
def test_scalings_are_those_of_keras_applications(mode: str, scaling: InputScaling) -> None:
    wanted = keras.applications.imagenet_utils.preprocess_input(X.astype(np.float32), mode=mode)
    np.testing.assert_allclose(scaled_inputs(X, scaling), wanted, rtol=1e-5, atol=1e-4)


def test_without_a_scaling_bytes_stay_as_they_are() -> None:
    np.testing.assert_array_equal(scaled_inputs(X, NO_SCALING), X)
