"""Ranges of kernels reach to the largest weight, and no further down than their bias allows."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.quantization.kernel_rounding import rounded_per_channel, rounded_per_tensor

KERNEL = np.random.default_rng(0).normal(0.0, 0.3, (3, 3, 4, 5)).astype(np.float32)


def smallest_step(values: np.ndarray) -> float:
    levels = np.unique(np.abs(values))
    return float(np.diff(levels).min())


def test_a_kernel_has_127_levels_to_each_side_in_each_channel() -> None:
    rounded = np.array(rounded_per_channel(KERNEL, 1.0, 0.0))
    levels = rounded / np.abs(KERNEL).max(axis=(0, 1, 2)) * 127
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    np.testing.assert_allclose(rounded, KERNEL, atol=np.abs(KERNEL).max() / 254 * 1.01)


def test_scale_and_bias_of_a_healthy_channel_change_nothing() -> None:
    bias, scale = np.linspace(-3.0, 3.0, 5), np.linspace(-2.0, 0.5, 5) + 0.01
    same = rounded_per_channel(KERNEL, scale.astype(np.float32), bias.astype(np.float32))
    np.testing.assert_array_equal(same, rounded_per_channel(KERNEL, 1.0, 0.0))


@pytest.mark.parametrize(("weights", "scale"), [(1e-5, 1.0), (1.0, 1e-5), (1.0, -1e-9), (0.0, 1.0)])
def test_a_channel_of_next_to_nothing_has_a_step_that_its_bias_fits_into(weights: float, scale: float) -> None:
    kernel = KERNEL.copy()
    kernel[..., 1] *= weights
    scales = np.array([1.0, scale, 1.0, 1.0, 1.0], np.float32)
    folded = np.array(rounded_per_channel(kernel, scales, 2.0))[..., 1] * scale
    # 2 / (step / 255) is less than 2 ** 31 with inputs of 0..1, at the least range of a thousandth of the bias.
    assert np.abs(folded).max() <= np.abs(kernel[..., 1] * scale).max() + 2e-3 / 127
    if np.any(folded):
        assert smallest_step(folded) >= 2e-3 / 127 * 0.99


def test_a_layer_without_any_weight_stays_without() -> None:
    zeros = np.zeros_like(KERNEL)
    for bias in (0.0, 1.0):
        np.testing.assert_array_equal(rounded_per_channel(zeros, 1.0, bias), zeros)
        np.testing.assert_array_equal(rounded_per_tensor(zeros, bias), zeros)


def test_one_range_for_a_whole_kernel_allows_for_the_largest_bias() -> None:
    small = KERNEL * np.float32(1e-4)
    assert np.any(rounded_per_tensor(small))
    np.testing.assert_array_equal(rounded_per_tensor(small, np.array([0.0, -50.0], np.float32)), np.zeros_like(small))
