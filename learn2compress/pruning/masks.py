"""Which weights of which kernels go: pure functions of numbers.

A kernel is `[..., inputs, outputs]`, as Keras has it. All weights of one kernel
are compared by magnitude. Across kernels magnitudes say nothing, since batch
normalization undoes any scale; there a weight's square is divided by the sum of
all squares of its kernel that are not smaller (LAMP; Lee et al.,
arXiv:2010.07611), which also spares small kernels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from learn2compress.config import PruneConfig, PruneMethod, PruneScope


def cubic_sparsity(step: int, ramp_steps: int, final_ratio: float) -> float:
    """Sparsity ratio to hold at a step: `final * (1 - (1 - step/ramp)**3)`, 0 at step 0, constant after the ramp."""
    progress = min(1.0, step / max(1, ramp_steps))
    return final_ratio * (1.0 - (1.0 - progress) ** 3)


def masks_of(
    kernels: Sequence[np.ndarray],
    sparsity_ratio: float,
    config: PruneConfig,
    own_ratios: Mapping[int, float] | None = None,
) -> list[np.ndarray]:
    """Masks of all prunable kernels of a network.

    Args:
      kernels: `[..., inputs, outputs]` each.
      sparsity_ratio: Share to drop now, 0 to `config.sparsity_ratio`.
      config: What goes together, and among which weights the smallest are found.
      own_ratios: Share to drop now of kernels that have one of their own, by their places in `kernels`.

    Returns:
      float32 of 0 and 1 in the shapes of the kernels.
    """
    own_ratios = own_ratios or {}
    alone = dataclasses.replace(config, scope=PruneScope.LAYER)
    own = {place: _common_masks([kernels[place]], ratio, alone)[0] for place, ratio in own_ratios.items()}
    others = [kernel for place, kernel in enumerate(kernels) if place not in own]
    common = iter(_common_masks(others, sparsity_ratio, config))
    return [own[place] if place in own else next(common) for place in range(len(kernels))]


def _common_masks(kernels: Sequence[np.ndarray], sparsity_ratio: float, config: PruneConfig) -> list[np.ndarray]:
    if config.method is PruneMethod.N_OF_M:
        share = sparsity_ratio / config.sparsity_ratio
        return [n_of_m_mask(kernel, config.kept_of_group, config.group_size, share) for kernel in kernels]
    block_shape = config.block_shape if config.method is PruneMethod.BLOCK else (1, 1)
    if config.scope is PruneScope.GLOBAL:
        return global_masks(kernels, sparsity_ratio, block_shape)
    if config.method is PruneMethod.BLOCK:
        return [block_mask(kernel, sparsity_ratio, block_shape) for kernel in kernels]
    return [magnitude_mask(kernel, sparsity_ratio) for kernel in kernels]


def magnitude_mask(weights: np.ndarray, sparsity_ratio: float) -> np.ndarray:
    """Mask that keeps the largest weights.

    Args:
      weights: Any shape.
      sparsity_ratio: Share of the weights to drop, 0..1; rounded down to whole weights.

    Returns:
      float32 of 0 and 1 in the shape of `weights`. Of equal magnitudes the
      first in C order are dropped.
    """
    return _without_smallest(np.abs(weights), int(sparsity_ratio * weights.size))


def block_mask(kernel: np.ndarray, sparsity_ratio: float, block_shape: tuple[int, int]) -> np.ndarray:
    """Mask that keeps the blocks of the largest mean square.

    Args:
      kernel: `[..., inputs, outputs]`.
      sparsity_ratio: Share of the blocks to drop, 0..1; rounded down to whole blocks.
      block_shape: Inputs and outputs of a block; at the ends blocks are cut off.
    """
    energy = _block_energy(kernel, block_shape)
    return _of_blocks(_without_smallest(energy, int(sparsity_ratio * energy.size)), kernel.shape, block_shape)


def global_masks(
    kernels: Sequence[np.ndarray], sparsity_ratio: float, block_shape: tuple[int, int] = (1, 1)
) -> list[np.ndarray]:
    """Masks by one threshold for all kernels, so that each gives what it can spare.

    Each kernel keeps at least half of what it would keep by itself, so that no
    layer dies.

    Args:
      kernels: `[..., inputs, outputs]` each.
      sparsity_ratio: Share of all blocks to drop, 0..1; rounded down to whole blocks.
      block_shape: Inputs and outputs of a block.
    """
    energies = [_block_energy(kernel, block_shape) for kernel in kernels]
    scores = [_relative_to_larger(energy, (1.0 + sparsity_ratio) / 2.0) for energy in energies]
    flat = np.concatenate(scores) if scores else np.zeros(0)
    kept = _without_smallest(flat, int(sparsity_ratio * flat.size))
    ends = np.cumsum([energy.size for energy in energies])[:-1]
    return [
        _of_blocks(mask.reshape(energy.shape), kernel.shape, block_shape)
        for mask, energy, kernel in zip(np.split(kept, ends), energies, kernels, strict=True)
    ]


def n_of_m_mask(kernel: np.ndarray, num_kept: int, group_size: int, share: float = 1.0) -> np.ndarray:
    """Mask that keeps the largest of each group of neighbours along the inputs.

    Args:
      kernel: `[..., inputs, outputs]`.
      num_kept: Weights of each group that stay; a group cut off at the end keeps as many.
      group_size: Inputs in a group.
      share: Share of what must go in the end that goes now, the smallest first, 0..1.
    """
    magnitudes = np.abs(kernel)
    padding = [(0, 0)] * kernel.ndim
    padding[-2] = (0, -kernel.shape[-2] % group_size)
    # Smaller than any weight: padding never takes a weight's place.
    padded = np.pad(magnitudes, padding, constant_values=-1.0)
    groups = padded.reshape(*kernel.shape[:-2], -1, group_size, kernel.shape[-1])
    order = np.argsort(-groups, axis=-2, kind="stable")
    ranks = np.argsort(order, axis=-2, kind="stable").reshape(padded.shape)[..., : kernel.shape[-2], :]
    goes = ranks >= num_kept
    return _without_smallest(np.where(goes, magnitudes, np.inf), int(share * np.count_nonzero(goes)))


def _without_smallest(scores: np.ndarray, num_dropped: int) -> np.ndarray:
    mask = np.ones(scores.size, np.float32)
    mask[np.argsort(scores, axis=None, kind="stable")[:num_dropped]] = 0.0
    return mask.reshape(scores.shape)


def _block_energy(kernel: np.ndarray, block_shape: tuple[int, int]) -> np.ndarray:
    """Mean square of each block `[..., block rows, block columns]`; cut off blocks are not small for being cut off."""

    def sums(values: np.ndarray) -> np.ndarray:
        for axis, size in zip((-2, -1), block_shape, strict=True):
            values = np.add.reduceat(values, np.arange(0, values.shape[axis], size), axis=axis)
        return values

    return sums(kernel.astype(np.float64) ** 2) / sums(np.ones(kernel.shape))


def _of_blocks(block_values: np.ndarray, shape: tuple[int, ...], block_shape: tuple[int, int]) -> np.ndarray:
    """The value of its block for each weight."""
    for axis, size in zip((-2, -1), block_shape, strict=True):
        block_values = np.repeat(block_values, size, axis=axis)
    return np.ascontiguousarray(block_values[..., : shape[-2], : shape[-1]])


def _relative_to_larger(energy: np.ndarray, most_dropped: float) -> np.ndarray:
    """LAMP scores `[blocks]` of one kernel; infinite for those that must stay."""
    order = np.argsort(energy, axis=None, kind="stable")
    ascending = energy.reshape(-1)[order]
    not_smaller = np.cumsum(ascending[::-1])[::-1]
    relative = ascending / np.maximum(not_smaller, np.finfo(np.float64).tiny)
    relative[int(most_dropped * energy.size) :] = np.inf
    scores = np.empty(energy.size)
    scores[order] = relative
    return scores
