"""Decides which weights of which kernels are pruned: pure functions of numbers.

A kernel is `[..., inputs, outputs]`, as Keras has it. All weights of one kernel
are compared by magnitude. Across kernels magnitudes can't be compared, since
batch normalization undoes any scale; there a weight's square is divided by the
sum of all squares of its kernel that are not smaller (LAMP; Lee et al.,
arXiv:2010.07611), which also spares small kernels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from learn2compress.config import PruneConfig, PruneMethod, PruneScope
from learn2compress.config.ratios import count_at_ratio


def cubic_sparsity(step: int, ramp_steps: int, final_ratio: float) -> float:
    """Returns the sparsity to hold at a step: `final * (1 - (1 - step/ramp)**3)` (arXiv:1710.01878).

    Args:
      step: 0-based.
      ramp_steps: Steps over which sparsity rises.
      final_ratio: Sparsity from there on, 0..1.

    Returns:
      0 at step 0, exactly `final_ratio` from `ramp_steps` on.
    """
    progress = min(1.0, step / max(1, ramp_steps))
    return final_ratio * (1.0 - (1.0 - progress) ** 3)


def masks_of(
    kernels: Sequence[np.ndarray],
    sparsity_ratio: float,
    config: PruneConfig,
    own_ratios: Mapping[int, float] | None = None,
) -> list[np.ndarray]:
    """Returns the masks of all prunable kernels of a network.

    Args:
      kernels: `[..., inputs, outputs]` each; there may be none.
      sparsity_ratio: Share to prune now, 0 to `config.sparsity_ratio`.
      config: What is pruned together, and among which weights the smallest are found.
      own_ratios: Share to prune now of kernels that have one of their own, by their places in `kernels`.

    Returns:
      float32 of 0 (pruned) and 1 (kept) in the shapes of the kernels.
    """
    own_ratios = own_ratios or {}
    alone = dataclasses.replace(config, scope=PruneScope.LAYER)
    own = {place: _common_masks([kernels[place]], ratio, alone)[0] for place, ratio in own_ratios.items()}
    others = [kernel for place, kernel in enumerate(kernels) if place not in own]
    common = iter(_common_masks(others, sparsity_ratio, config))
    return [own[place] if place in own else next(common) for place in range(len(kernels))]


def _common_masks(kernels: Sequence[np.ndarray], sparsity_ratio: float, config: PruneConfig) -> list[np.ndarray]:
    if config.method is PruneMethod.N_OF_M:
        share = sparsity_ratio / config.sparsity_ratio if config.sparsity_ratio else 0.0
        return [n_of_m_mask(kernel, config.kept_of_group, config.group_size, share) for kernel in kernels]
    block_shape = config.block_shape if config.method is PruneMethod.BLOCK else (1, 1)
    if config.scope is PruneScope.GLOBAL:
        return global_masks(kernels, sparsity_ratio, block_shape)
    if config.method is PruneMethod.BLOCK:
        return [block_mask(kernel, sparsity_ratio, block_shape) for kernel in kernels]
    return [magnitude_mask(kernel, sparsity_ratio) for kernel in kernels]


def magnitude_mask(weights: np.ndarray, sparsity_ratio: float) -> np.ndarray:
    """Returns the mask that keeps the largest weights.

    Args:
      weights: Any shape.
      sparsity_ratio: Share of the weights to prune, 0..1; rounded down to whole weights.

    Returns:
      float32 of 0 and 1 in the shape of `weights`. Of equal magnitudes the
      first in C order are pruned.
    """
    return _without_smallest(np.abs(weights), count_at_ratio(sparsity_ratio, weights.size))


def block_mask(kernel: np.ndarray, sparsity_ratio: float, block_shape: tuple[int, int]) -> np.ndarray:
    """Returns the mask that keeps the blocks of the largest mean square.

    Args:
      kernel: `[..., inputs, outputs]`.
      sparsity_ratio: Share of the blocks to prune, 0..1; rounded down to whole blocks.
      block_shape: Inputs and outputs of a block; at the ends blocks are cut off.

    Returns:
      float32 of 0 and 1 in the shape of `kernel`.
    """
    energy = _block_energy(kernel, block_shape)
    kept = _without_smallest(energy, count_at_ratio(sparsity_ratio, energy.size))
    return _of_blocks(kept, kernel.shape, block_shape)


def global_masks(
    kernels: Sequence[np.ndarray], sparsity_ratio: float, block_shape: tuple[int, int] = (1, 1)
) -> list[np.ndarray]:
    """Returns masks by one threshold for all kernels, so that each loses what it can spare.

    Each kernel keeps at least half of the blocks that it would keep by itself,
    so that no layer dies.

    Args:
      kernels: `[..., inputs, outputs]` each; there may be none.
      sparsity_ratio: Share of all blocks to prune, from 0 to below 1; rounded down to
        whole blocks, and fewer where kernels of few blocks must keep theirs.
      block_shape: Inputs and outputs of a block.

    Returns:
      float32 of 0 and 1 in the shapes of the kernels.
    """
    if not kernels:
        return []
    energies = [_block_energy(kernel, block_shape) for kernel in kernels]
    most_pruned = [(energy.size + count_at_ratio(sparsity_ratio, energy.size)) // 2 for energy in energies]
    scores = [_relative_to_larger(energy, most) for energy, most in zip(energies, most_pruned, strict=True)]
    flat = np.concatenate(scores)
    kept = _without_smallest(flat, min(count_at_ratio(sparsity_ratio, flat.size), sum(most_pruned)))
    ends = np.cumsum([energy.size for energy in energies])[:-1]
    return [
        _of_blocks(mask.reshape(energy.shape), kernel.shape, block_shape)
        for mask, energy, kernel in zip(np.split(kept, ends), energies, kernels, strict=True)
    ]


def n_of_m_mask(kernel: np.ndarray, num_kept: int, group_size: int, share: float = 1.0) -> np.ndarray:
    """Returns the mask that keeps the largest of each group of neighbours along the inputs.

    Args:
      kernel: `[..., inputs, outputs]`.
      num_kept: Weights of each group that are kept; a group cut off at the end keeps as many.
      group_size: Inputs in a group.
      share: Share of all that the pattern prunes in the end to prune now, the smallest first, 0..1.

    Returns:
      float32 of 0 and 1 in the shape of `kernel`.
    """
    magnitudes = np.abs(kernel)
    padding = [(0, 0)] * kernel.ndim
    padding[-2] = (0, -kernel.shape[-2] % group_size)
    # Smaller than any weight: padding never takes a weight's place.
    padded = np.pad(magnitudes, padding, constant_values=-1.0)
    groups = padded.reshape(*kernel.shape[:-2], -1, group_size, kernel.shape[-1])
    order = np.argsort(-groups, axis=-2, kind="stable")
    ranks = np.argsort(order, axis=-2, kind="stable").reshape(padded.shape)[..., : kernel.shape[-2], :]
    pruned = ranks >= num_kept
    num_pruned = count_at_ratio(share, int(np.count_nonzero(pruned)))
    return _without_smallest(np.where(pruned, magnitudes, np.inf), num_pruned)


def _without_smallest(scores: np.ndarray, num_pruned: int) -> np.ndarray:
    mask = np.ones(scores.size, np.float32)
    mask[np.argsort(scores, axis=None, kind="stable")[:num_pruned]] = 0.0
    return mask.reshape(scores.shape)


def _block_energy(kernel: np.ndarray, block_shape: tuple[int, int]) -> np.ndarray:
    """Returns the mean square of each block `[..., block rows, block columns]`, whole or cut off."""

    def sums(values: np.ndarray) -> np.ndarray:
        for axis, size in zip((-2, -1), block_shape, strict=True):
            values = np.add.reduceat(values, np.arange(0, values.shape[axis], size), axis=axis)
        return values

    return sums(kernel.astype(np.float64) ** 2) / sums(np.ones(kernel.shape))


def _of_blocks(block_values: np.ndarray, shape: tuple[int, ...], block_shape: tuple[int, int]) -> np.ndarray:
    """Returns the value of its block for each weight, in `shape`."""
    for axis, size in zip((-2, -1), block_shape, strict=True):
        block_values = np.repeat(block_values, size, axis=axis)
    return np.ascontiguousarray(block_values[..., : shape[-2], : shape[-1]])


def _relative_to_larger(energy: np.ndarray, most_pruned: int) -> np.ndarray:
    """Returns the LAMP scores `[blocks]` of one kernel; infinite for all but the `most_pruned` smallest blocks."""
    order = np.argsort(energy, axis=None, kind="stable")
    ascending = energy.reshape(-1)[order]
    not_smaller = np.cumsum(ascending[::-1])[::-1]
    relative = ascending / np.maximum(not_smaller, np.finfo(np.float64).tiny)
    relative[most_pruned:] = np.inf
    scores = np.empty(energy.size)
    scores[order] = relative
    return scores
