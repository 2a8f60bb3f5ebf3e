"""Which weights are pruned: schedule and masks, on numbers."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.config import PruneConfig, PruneMethod, PruneScope
from learn2compress.config.ratios import count_at_ratio
from learn2compress.pruning.masks import (
    block_mask,
    cubic_sparsity,
    global_masks,
    magnitude_mask,
    masks_of,
    n_of_m_mask,
)


def random_kernel(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_cubic_schedule_rises_from_zero_to_the_end_and_stays() -> None:
    ratios = [cubic_sparsity(step, 10, 0.8) for step in range(15)]
    assert ratios[0] == 0.0
    assert ratios[5] == pytest.approx(0.8 * (1 - 0.5**3))
    assert ratios[10:] == [pytest.approx(0.8)] * 5
    assert ratios == sorted(ratios)


def test_magnitude_drops_the_smallest() -> None:
    weights = np.array([[0.1, -3.0], [0.5, -0.2]], np.float32)
    np.testing.assert_array_equal(magnitude_mask(weights, 0.5), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(magnitude_mask(weights, 0.0), np.ones((2, 2)))
    np.testing.assert_array_equal(magnitude_mask(np.ones(4), 0.5), [0, 0, 1, 1])


def test_blocks_are_pruned_whole_and_by_their_mean() -> None:
    kernel = np.array([[1, 9, 1], [1, 9, 1], [1, 0, 1], [1, 0, 1], [2, 2, 0]], np.float32)
    mask = block_mask(kernel, 5 / 9, (2, 1))
    np.testing.assert_array_equal(mask, [[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [1, 1, 0]])


def test_a_block_mask_of_a_convolution_is_of_blocks_at_each_position() -> None:
    mask = block_mask(random_kernel(3, 3, 8, 6), 0.5, (4, 2))
    blocks = mask.reshape(3, 3, 2, 4, 3, 2)
    assert np.all(blocks == blocks[:, :, :, :1, :, :1])
    assert np.mean(mask) == 0.5


def test_a_global_threshold_spares_the_small_kernel_and_none_dies() -> None:
    large, small = random_kernel(64, 64), 100.0 * random_kernel(4, 4, seed=1)
    for ratio in (0.5, 0.9, 0.98):
        masks = global_masks([large, small], ratio)
        assert sum(int(np.sum(mask == 0)) for mask in masks) == count_at_ratio(ratio, large.size + small.size)
        kept_of_large, kept_of_small = (float(np.mean(mask)) for mask in masks)
        assert kept_of_small > kept_of_large > (1 - ratio) / 2
    # A kernel that all but vanishes would go first, and keeps its half.
    vanishing = np.full((8, 8), 1e-3, np.float32)
    vanishing[0, 0] = 1.0
    assert np.mean(global_masks([large, vanishing], 0.5)[1]) >= 0.25


def test_scale_between_kernels_does_not_matter_globally() -> None:
    kernels = [random_kernel(16, 8), random_kernel(32, 16, seed=1)]
    scaled = [kernel * scale for kernel, scale in zip(kernels, (1e-3, 9.0), strict=True)]
    for mask, expected in zip(global_masks(scaled, 0.6), global_masks(kernels, 0.6), strict=True):
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("shape", [(3, 3, 8, 5), (10, 5), (3, 3, 3, 4)])
def test_two_of_four_neighbours_along_the_inputs_stay(shape: tuple[int, ...]) -> None:
    kernel = random_kernel(*shape)
    mask = n_of_m_mask(kernel, 2, 4)
    for first in range(0, shape[-2], 4):
        group, weights = mask[..., first : first + 4, :], np.abs(kernel[..., first : first + 4, :])
        assert np.all(np.sum(group, axis=-2) == min(2, group.shape[-2]))
        assert np.all(np.min(np.where(group == 1, weights, np.inf), -2) >= np.max(np.where(group == 0, weights, 0), -2))


def test_a_pattern_comes_along_the_schedule_smallest_weights_first() -> None:
    kernel = random_kernel(3, 3, 8, 5)
    masks = [n_of_m_mask(kernel, 2, 4, share) for share in (0.0, 0.5, 1.0)]
    assert [int(np.sum(mask == 0)) for mask in masks] == [0, kernel.size // 4, kernel.size // 2]
    assert np.all(masks[0] >= masks[1])
    assert np.all(masks[1] >= masks[2])


@pytest.mark.parametrize("scope", list(PruneScope))
@pytest.mark.parametrize("method", [PruneMethod.MAGNITUDE, PruneMethod.BLOCK, PruneMethod.N_OF_M])
def test_every_method_reaches_the_configured_sparsity_and_never_takes_back(
    method: PruneMethod, scope: PruneScope
) -> None:
    config = PruneConfig(method=method, scope=scope, sparsity_ratio=0.75)
    kernels = [random_kernel(3, 3, 16, 8), random_kernel(64, 10, seed=1)]
    half = masks_of(kernels, 0.375, config)
    full = masks_of([kernel * mask for kernel, mask in zip(kernels, half, strict=True)], 0.75, config)
    for first, last in zip(half, full, strict=True):
        assert np.all(last[first == 0] == 0)
    for masks, ratio in ((half, 0.375), (full, 0.75)):
        zeros = sum(float(np.sum(mask == 0)) for mask in masks) / sum(kernel.size for kernel in kernels)
        assert zeros == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("scope", list(PruneScope))
def test_a_kernel_may_have_a_share_of_its_own(scope: PruneScope) -> None:
    kernels = [random_kernel(8, 8, seed=seed) for seed in range(3)]
    masks = masks_of(kernels, 0.5, PruneConfig(scope=scope), {1: 0.25})
    assert [int(np.sum(masks[1] == 0)), sum(int(np.sum(mask == 0)) for mask in masks)] == [16, 80]
    without = masks_of([kernels[0], kernels[2]], 0.5, PruneConfig(scope=scope))
    for mask, expected in zip(masks[::2], without, strict=True):
        np.testing.assert_array_equal(mask, expected)


def test_the_usual_decimals_lose_no_weight() -> None:
    weights = random_kernel(100)
    for hundredths in range(100):
        assert int(np.sum(magnitude_mask(weights, hundredths / 100) == 0)) == hundredths
        assert int(np.sum(block_mask(weights.reshape(10, 10), hundredths / 100, (1, 1)) == 0)) == hundredths
        (mask,) = global_masks([weights.reshape(10, 10)], hundredths / 100)
        assert int(np.sum(mask == 0)) == hundredths


@pytest.mark.parametrize("scope", list(PruneScope))
@pytest.mark.parametrize("method", [PruneMethod.MAGNITUDE, PruneMethod.BLOCK, PruneMethod.N_OF_M])
def test_no_kernels_have_no_masks(method: PruneMethod, scope: PruneScope) -> None:
    assert masks_of([], 0.5, PruneConfig(method=method, scope=scope)) == []


def test_all_kernels_may_have_a_share_of_their_own() -> None:
    kernels = [random_kernel(8, 8, seed=seed) for seed in range(2)]
    masks = masks_of(kernels, 0.5, PruneConfig(), {0: 0.25, 1: 0.75})
    assert [int(np.sum(mask == 0)) for mask in masks] == [16, 48]


def test_kernels_of_one_block_keep_it_whatever_the_ratio_is() -> None:
    kernels = [random_kernel(4, 4, seed=seed) for seed in range(4)]
    assert all(np.all(mask == 1) for mask in global_masks(kernels, 0.75, (4, 4)))
    # Where others can spare more, they do, up to half of what they would keep.
    masks = global_masks([*kernels, random_kernel(4, 64)], 0.5, (4, 4))
    assert [int(np.sum(mask == 0)) // 16 for mask in masks] == [0, 0, 0, 0, 10]
