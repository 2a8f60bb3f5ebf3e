"""Zeros in the kernels of a network: masks that move while it trains, and outlive it.

Zhu & Gupta, "To prune, or not to prune" (arXiv:1710.01878): sparsity rises
along a cubic curve while the network trains, and what has gone is held at zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from learn2compress.config import PruneConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.keras_internals import trainable_kernel
from learn2compress.pruning.masks import cubic_sparsity, masks_of

# The masks move this many times while sparsity rises: often enough to follow the curve.
_MASK_UPDATES = 40


def prunable_layers(layers: Sequence[keras.Layer], min_layer_weights: int) -> list[keras.Layer]:
    """Layers whose kernels are pruned: convolutions and dense layers of at least `min_layer_weights` weights.

    Depthwise kernels stay dense, as in the paper: they are few weights, and each is all that its channel sees.
    """
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    return [
        layer
        for layer in layers
        if isinstance(layer, kinds) and int(np.prod(kernel_variable(layer).shape)) >= min_layer_weights
    ]


def kernel_variable(layer: keras.Layer) -> keras.Variable:
    """The trainable kernel itself; `layer.kernel` may be a quantized view of it."""
    return trainable_kernel(layer)


def sparsity_of(layers: Sequence[keras.Layer], min_layer_weights: int) -> float:
    """Share of zeros among the weights of all prunable kernels; 0 where there are none."""
    kernels = [keras.ops.convert_to_numpy(kernel_variable(x)) for x in prunable_layers(layers, min_layer_weights)]
    num_weights = sum(kernel.size for kernel in kernels)
    return sum(int(np.sum(kernel == 0)) for kernel in kernels) / num_weights if num_weights else 0.0


class KernelMask(keras.constraints.Constraint):
    """Holds masked weights at zero: the optimizer applies it after every step."""

    def __init__(self, kernel: keras.Variable):
        self.mask = keras.Variable(np.ones(kernel.shape, np.float32), trainable=False, name="mask")

    def __call__(self, w: keras.KerasTensor) -> keras.KerasTensor:
        """The kernel with its masked weights at zero."""
        return w * self.mask


class MaskPruner:
    """Moves the masks of a network along the cubic schedule.

    Args:
      network: Its prunable kernels get a `KernelMask`.
      config: Which weights go, final sparsity, ramp and smallest layer.
      total_steps: Steps of the training that calls `before_step`.

    Raises:
      ConfigError: `layer_sparsity_ratios` names a layer that is not pruned.
    """

    def __init__(self, network: keras.Model, config: PruneConfig, total_steps: int):
        self._config = config
        self._ramp_steps = max(1, int(config.ramp_ratio * total_steps))
        self._interval = max(1, self._ramp_steps // _MASK_UPDATES)
        layers = prunable_layers(network.layers, config.min_layer_weights)
        self._kernels = [kernel_variable(layer) for layer in layers]
        self._own_ratios = _by_place(config.layer_sparsity_ratios, [layer.name for layer in layers])
        self._masks = mask_kernels(self._kernels)

    @property
    def variables(self) -> list[keras.Variable]:
        """State that a checkpoint must hold."""
        return [mask.mask for mask in self._masks]

    def before_step(self, step: int) -> None:
        """Moves the masks if the schedule does at this step (0-based)."""
        if step > self._ramp_steps or (step % self._interval and step != self._ramp_steps):
            return
        kernels = [keras.ops.convert_to_numpy(kernel) for kernel in self._kernels]
        ratio, *own_ratios = (
            cubic_sparsity(step, self._ramp_steps, final)
            for final in (self._config.sparsity_ratio, *self._own_ratios.values())
        )
        values = masks_of(kernels, ratio, self._config, dict(zip(self._own_ratios, own_ratios, strict=True)))
        for kernel, mask, value in zip(self._kernels, self._masks, values, strict=True):
            mask.mask.assign(value)
            kernel.assign(mask(kernel))


def _by_place(ratios: Mapping[str, float], names: Sequence[str]) -> dict[int, float]:
    for name in ratios:
        if name not in names:
            raise ConfigError(
                f"prune.layer_sparsity_ratios: found {name!r}, accepted are the layers that are pruned: "
                f"{', '.join(names)}; what only one student has is set under its own `prune`"
            )
    return {names.index(name): ratio for name, ratio in ratios.items()}


def mask_kernels(kernels: Sequence[keras.Variable]) -> list[KernelMask]:
    """Gives each kernel a mask that keeps every weight."""
    masks = [KernelMask(kernel) for kernel in kernels]
    for kernel, mask in zip(kernels, masks, strict=True):
        kernel.constraint = mask
    return masks


def keep_zeros(layers: Sequence[keras.Layer], min_layer_weights: int) -> None:
    """Holds the weights of prunable kernels that are zero now at zero in further training."""
    kernels = [kernel_variable(layer) for layer in prunable_layers(layers, min_layer_weights)]
    for kernel, mask in zip(kernels, mask_kernels(kernels), strict=True):
        mask.mask.assign(keras.ops.cast(keras.ops.not_equal(kernel, 0.0), "float32"))
