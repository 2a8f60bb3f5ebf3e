"""Zeros in the kernels of a network: masks that follow a schedule while it trains, and outlive it.

Zhu & Gupta, "To prune, or not to prune" (arXiv:1710.01878): sparsity rises
along a cubic curve while the network trains, and pruned weights are held at zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from learn2compress.config import PruneConfig
from learn2compress.config.parsing import ConfigError, listed
from learn2compress.config.ratios import count_at_ratio
from learn2compress.keras_internals import parts_of, trainable_kernel
from learn2compress.pruning.masks import cubic_sparsity, masks_of

# How often the masks are updated while sparsity rises: often enough to follow the curve.
_MASK_UPDATES = 40
_KINDS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.GRUCell,
    keras.layers.LSTMCell,
    keras.layers.SimpleRNNCell,
)


def prunable_layers(layers: Sequence[keras.Layer], min_layer_weights: int) -> list[keras.Layer]:
    """Returns the layers whose kernels are pruned: convolutions and dense layers with enough weights.

    Those inside other layers are among them: the projections of an attention, and
    of a recurrent layer the kernel of its inputs. Depthwise kernels stay dense, as
    in the paper: they are few weights, and each is all that its channel sees.

    Args:
      layers: Of a network.
      min_layer_weights: Weights that a kernel has at least.
    """
    return [layer for layer in _with_kernel(layers) if _num_weights(layer) >= min_layer_weights]


def kernel_variable(layer: keras.Layer) -> keras.Variable:
    """Returns the trainable kernel itself; `layer.kernel` may be a quantized view of it."""
    return trainable_kernel(layer)


def sparsity_of(layers: Sequence[keras.Layer], min_layer_weights: int) -> float:
    """Returns the share of zeros among the weights of all prunable kernels; 0 where there are none.

    Args:
      layers: Of a network.
      min_layer_weights: As for `prunable_layers`.
    """
    kernels = _values([kernel_variable(layer) for layer in prunable_layers(layers, min_layer_weights)])
    num_weights = sum(kernel.size for kernel in kernels)
    return sum(int(np.sum(kernel == 0)) for kernel in kernels) / num_weights if num_weights else 0.0


def why_no_zeros(network: keras.Model, config: PruneConfig) -> str | None:
    """Returns why pruning makes no weight of a network zero; `None` where it makes some.

    Args:
      network: How many weights become zero depends on its shapes alone, so it need not be trained.
      config: With a method that makes zeros.

    Returns:
      A clause with figures, for a reader.

    Raises:
      ConfigError: `layer_sparsity_ratios` names a layer that is not pruned.
    """
    layers = prunable_layers(network.layers, config.min_layer_weights)
    own_ratios = _own_ratios(network, config)
    if not layers:
        return _no_prunable_kernel(network, config.min_layer_weights)
    masks = masks_of(_values([kernel_variable(layer) for layer in layers]), config.sparsity_ratio, config, own_ratios)
    if not all(np.all(mask) for mask in masks):
        return None
    own = " and its layer_sparsity_ratios" if own_ratios else ""
    return (
        f"prune.method {config.method.value} at sparsity_ratio {config.sparsity_ratio:g}{own} makes no weight zero in "
        f"the kernels that it prunes: {listed([layer.name for layer in layers])}"
    )


class KernelMask(keras.constraints.Constraint):
    """Holds masked weights at zero: the optimizer applies it after every step.

    Args:
      kernel: What the mask is for; all of it is kept at first.
    """

    def __init__(self, kernel: keras.Variable):
        self.mask = keras.Variable(np.ones(kernel.shape, np.float32), trainable=False, name="mask")

    def __call__(self, w: keras.KerasTensor) -> keras.KerasTensor:
        """Returns a kernel with its masked weights at zero, in the same shape."""
        return w * self.mask


class MaskPruner:
    """Updates the masks of a network along the cubic schedule.

    Args:
      network: Its prunable kernels get a `KernelMask`.
      config: Which weights are pruned, final sparsity, ramp and smallest layer.
      total_steps: Steps of the training that calls `before_step`.

    Raises:
      ConfigError: `layer_sparsity_ratios` names a layer that is not pruned.
    """

    def __init__(self, network: keras.Model, config: PruneConfig, total_steps: int):
        self._config = config
        self._ramp_steps = max(1, count_at_ratio(config.ramp_ratio, total_steps))
        self._interval = max(1, self._ramp_steps // _MASK_UPDATES)
        self._own_ratios = _own_ratios(network, config)
        self._kernels = [kernel_variable(x) for x in prunable_layers(network.layers, config.min_layer_weights)]
        self._masks = mask_kernels(self._kernels)

    @property
    def variables(self) -> list[keras.Variable]:
        """State that a checkpoint must hold."""
        return [mask.mask for mask in self._masks]

    def before_step(self, step: int) -> None:
        """Updates the masks if the schedule does at this step (0-based)."""
        if step > self._ramp_steps or (step % self._interval and step != self._ramp_steps):
            return
        ratio, *own_ratios = (
            cubic_sparsity(step, self._ramp_steps, final)
            for final in (self._config.sparsity_ratio, *self._own_ratios.values())
        )
        own = dict(zip(self._own_ratios, own_ratios, strict=True))
        values = masks_of(_values(self._kernels), ratio, self._config, own)
        for kernel, mask, value in zip(self._kernels, self._masks, values, strict=True):
            mask.mask.assign(value)
            kernel.assign(mask(kernel))


def mask_kernels(kernels: Sequence[keras.Variable]) -> list[KernelMask]:
    """Sets a mask that keeps every weight as the constraint of each kernel, and returns the masks."""
    masks = [KernelMask(kernel) for kernel in kernels]
    for kernel, mask in zip(kernels, masks, strict=True):
        kernel.constraint = mask
    return masks


def keep_zeros(layers: Sequence[keras.Layer], min_layer_weights: int) -> None:
    """Holds the weights of prunable kernels that are zero now at zero in further training.

    Args:
      layers: Of a network.
      min_layer_weights: As for `prunable_layers`.
    """
    kernels = [kernel_variable(layer) for layer in prunable_layers(layers, min_layer_weights)]
    for kernel, mask in zip(kernels, mask_kernels(kernels), strict=True):
        mask.mask.assign(keras.ops.cast(keras.ops.not_equal(kernel, 0.0), "float32"))


def _own_ratios(network: keras.Model, config: PruneConfig) -> dict[int, float]:
    """Returns the final ratios of layers that have one of their own, by place among the prunable layers."""
    names = [layer.name for layer in prunable_layers(network.layers, config.min_layer_weights)]
    for name in config.layer_sparsity_ratios:
        if name not in names:
            accepted = listed(names) or f"none: {_no_prunable_kernel(network, config.min_layer_weights)}"
            raise ConfigError(
                f"prune.layer_sparsity_ratios: found {name!r} for student {network.name!r}, accepted are the layers "
                f"that are pruned: {accepted}; what only one student has is set under its own `prune`"
            )
    return {names.index(name): ratio for name, ratio in config.layer_sparsity_ratios.items()}


def _no_prunable_kernel(network: keras.Model, min_layer_weights: int) -> str:
    sizes = {layer.name: _num_weights(layer) for layer in _with_kernel(network.layers)}
    largest = max(sizes, key=lambda name: sizes[name], default="")
    found = f"the largest, {largest}, has {sizes[largest]}" if sizes else "it has no convolution and no dense layer"
    return f"no kernel has prune.min_layer_weights {min_layer_weights} weights: {found}"


def _with_kernel(layers: Sequence[keras.Layer]) -> list[keras.Layer]:
    inner = (part for layer in layers for part in parts_of(layer))
    return [layer for layer in dict.fromkeys(inner) if isinstance(layer, _KINDS)]


def _num_weights(layer: keras.Layer) -> int:
    return int(np.prod(kernel_variable(layer).shape))


def _values(kernels: Sequence[keras.Variable]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
