"""Tests of `examples/teachers/whitening.py`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf


def test_a_convolution_with_the_filters_whitens(example: Callable[[str], ModuleType]) -> None:
    random = np.random.default_rng(3)
    # Colours that follow each other, and neighbours that do: pixels are averages of rough ones.
    rough = random.random((200, 13, 13, 1)) + 0.2 * random.random((200, 13, 13, 3))
    images = ((rough[:, 1:, 1:] + rough[:, :-1, 1:] + rough[:, 1:, :-1]) / 3).astype(np.float32)
    kernel, bias = example("teachers.whitening").whitening_filters(images)
    assert kernel.shape == (2, 2, 3, 24)
    outputs = (tf.nn.conv2d(images, kernel, 1, "VALID") + bias).numpy().reshape(-1, 24)
    np.testing.assert_allclose(outputs[:, 12:], -outputs[:, :12], atol=1e-4)
    np.testing.assert_allclose(outputs.mean(0), 0.0, atol=1e-3)
    covariance = np.cov(outputs[:, :12].T)
    np.testing.assert_allclose(covariance, np.eye(12), atol=0.05)
    patches = np.lib.stride_tricks.sliding_window_view(images, (2, 2), (1, 2)).reshape(-1, 12)
    correlations = np.corrcoef(patches.T) - np.eye(12)
    assert np.abs(correlations).max() > 0.5, "these patches were white before"


def test_pixels_that_never_change_are_not_blown_up(example: Callable[[str], ModuleType], digits: Any) -> None:
    images = digits.inputs.astype(np.float32) / 255.0
    images[..., 2] = 0.5
    kernel, bias = example("teachers.whitening").whitening_filters(images)
    assert np.isfinite(kernel).all()
    outputs = tf.nn.conv2d(images, kernel, 1, "VALID") + bias
    assert float(tf.reduce_max(tf.math.reduce_std(tf.reshape(outputs, [-1, 24]), 0))) < 1.1
