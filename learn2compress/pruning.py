"""Magnitude pruning while training, with masks that outlive it.

Zhu & Gupta, "To prune, or not to prune" (arXiv:1710.01878): sparsity rises
along a cubic curve while the network trains, and the smallest weights of each
kernel are held at zero from then on.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from learn2compress.checkpoint import Checkpoint
from learn2compress.config import PruneConfig
from learn2compress.data.batches import TrainingData
from learn2compress.results import EpochRecord
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training import by_name, fit
from learn2compress.training_plan import TrainingPlan

# The masks move this many times while sparsity rises: often enough to follow the curve.
_MASK_UPDATES = 40


def prune_student(
    student: keras.Model,
    name: str,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[EpochRecord, ...]:
    """Prunes and fine-tunes a student in place.

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits.
      name: Its name in the history.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      config: Sparsity and its schedule; a sparsity ratio of 0 changes nothing.
      plan: How to train meanwhile.
      teacher: Runs in each step.
      checkpoint: Where an interrupted pruning goes on.

    Returns:
      One record per epoch.
    """
    if config.sparsity_ratio == 0.0:
        return ()
    pruner = MagnitudePruner(student, config, data.steps_per_epoch * plan.epochs)
    history = fit(
        by_name(student, name),
        data,
        plan,
        teacher=teacher,
        checkpoint=checkpoint,
        hook=pruner,
        sparsity_of=lambda: sparsity_of(student.layers, config.min_layer_weights),
    )
    return history[name]


def cubic_sparsity(step: int, ramp_steps: int, final_ratio: float) -> float:
    """Sparsity ratio to hold at a step: `final * (1 - (1 - step/ramp)**3)`, 0 at step 0, constant after the ramp."""
    progress = min(1.0, step / max(1, ramp_steps))
    return final_ratio * (1.0 - (1.0 - progress) ** 3)


def magnitude_mask(weights: np.ndarray, sparsity_ratio: float) -> np.ndarray:
    """Mask that keeps the largest weights.

    Args:
      weights: Any shape.
      sparsity_ratio: Share of the weights to drop, 0..1; rounded down to whole weights.

    Returns:
      float32 of 0 and 1 in the shape of `weights`. Of equal magnitudes the
      first in C order are dropped.
    """
    mask = np.ones(weights.size, np.float32)
    num_zeros = int(sparsity_ratio * weights.size)
    mask[np.argsort(np.abs(weights), axis=None, kind="stable")[:num_zeros]] = 0.0
    return mask.reshape(weights.shape)


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
    return layer._kernel


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


class MagnitudePruner:
    """Moves the masks of a network along the cubic schedule.

    Args:
      network: Its prunable kernels get a `KernelMask`.
      config: Final sparsity, ramp and smallest layer.
      total_steps: Steps of the training that calls `before_step`.
    """

    def __init__(self, network: keras.Model, config: PruneConfig, total_steps: int):
        self._config = config
        self._ramp_steps = max(1, int(config.ramp_ratio * total_steps))
        self._interval = max(1, self._ramp_steps // _MASK_UPDATES)
        self._kernels = [kernel_variable(layer) for layer in prunable_layers(network.layers, config.min_layer_weights)]
        self._masks = mask_kernels(self._kernels)

    @property
    def variables(self) -> list[keras.Variable]:
        """State that a checkpoint must hold."""
        return [mask.mask for mask in self._masks]

    def before_step(self, step: int) -> None:
        """Moves the masks if the schedule does at this step (0-based)."""
        if step > self._ramp_steps or (step % self._interval and step != self._ramp_steps):
            return
        ratio = cubic_sparsity(step, self._ramp_steps, self._config.sparsity_ratio)
        for kernel, mask in zip(self._kernels, self._masks, strict=True):
            mask.mask.assign(magnitude_mask(keras.ops.convert_to_numpy(kernel), ratio))
            kernel.assign(mask(kernel))


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
