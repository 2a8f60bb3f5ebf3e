"""Importance of each unit of channels of a network; see `learn2compress.config.ChannelImportance`.

- `weight_norm`: squared norm of every slice of a kernel that is removed with the unit,
  the rows of the layers that take it among them, each relative to the mean over
  the slices of its kernel (after DepGraph, arXiv:2301.12900).
- `batch_norm_scale`: mean magnitude of the scales of its normalizations (network
  slimming; Liu et al., arXiv:1708.06519).
- `taylor`: square of what zeroing the unit changes in the loss to first order,
  averaged over batches (Molchanov et al., arXiv:1906.10771). Zeroing a unit is
  zeroing the rows of the layers that take it: the paper's gate is put there,
  which also serves for a residual stream, whatever was added up in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config import ChannelImportance, PruneConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingBatch, TrainingData
from learn2compress.pruning.channel_graph import ChannelGraph, Units
from learn2compress.pruning.sparsity import kernel_variable
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.losses import student_loss
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import as_float

# More batches change the order of channels little.
_TAYLOR_BATCHES = 32


def channel_importance(
    student: keras.Model,
    graph: ChannelGraph,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    teacher: LiveTeacher | None = None,
) -> np.ndarray:
    """Returns the importance of each unit.

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits.
      graph: Of the student.
      data: Batches for `taylor`, beside the teacher's logits unless `teacher` is given.
      config: Names the importance.
      plan: The loss, and the seed of the batches.
      teacher: Runs in each step.

    Returns:
      float64 `[graph.num_units]`, 0 or more; NaN for a unit that can't be ranked.

    Raises:
      ConfigError: units are to be ranked by batch normalization, and there is none with a scale.
    """
    match config.importance:
        case ChannelImportance.WEIGHT_NORM:
            return weight_norms(student, graph)
        case ChannelImportance.BATCH_NORM_SCALE:
            return batch_norm_scales(student, graph)
        case ChannelImportance.TAYLOR:
            loss_of = _loss_of(student, plan, teacher)
            batches = itertools.islice(data.epoch(plan.seed, 0), _TAYLOR_BATCHES)
            return _first_order_changes(student, graph, batches, loss_of)


def taking_layers(student: keras.Model, graph: ChannelGraph) -> list[keras.Layer]:
    """Returns the layers whose kernel has a row for each input channel; all others pass units on.

    Args:
      student: A functional model.
      graph: Of the student.
    """
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    return [layer for layer in student.layers if type(layer) in kinds and layer.name in graph.layers]


class _Mean:
    """Means over all values that were added for each unit."""

    def __init__(self, graph: ChannelGraph):
        self._sums, self._counts = np.zeros(graph.num_units), np.zeros(graph.num_units)

    def add(self, units: Units, values: np.ndarray) -> None:
        np.add.at(self._sums, units, values)
        np.add.at(self._counts, units, 1.0)

    def result(self) -> np.ndarray:
        means = np.full(self._sums.size, np.nan)
        return np.divide(self._sums, self._counts, out=means, where=self._counts > 0)


def weight_norms(student: keras.Model, graph: ChannelGraph) -> np.ndarray:
    """Returns the mean squared norm of the slices of kernels that belong to each unit, relative to their kernel's.

    Args:
      student: Trained or not.
      graph: Of the student.

    Returns:
      float64 `[graph.num_units]`; NaN for a unit that no kernel belongs to.
    """
    mean = _Mean(graph)
    for layer in student.layers:
        for units, axis in _kernel_axes(layer, graph):
            kernel = layer.get_weights()[0].astype(np.float64)
            energy = np.sum(kernel**2, axis=tuple(i for i in range(kernel.ndim) if i != axis % kernel.ndim))
            mean.add(units, energy / max(float(np.mean(energy)), np.finfo(np.float64).tiny))
    return mean.result()


def _kernel_axes(layer: keras.Layer, graph: ChannelGraph) -> list[tuple[Units, int]]:
    """Returns units and axis of each axis of a layer's kernel that runs along units."""
    channels = graph.layers.get(layer.name)
    if channels is None:
        return []
    if type(layer) is keras.layers.DepthwiseConv2D:
        return [(channels.inputs, -2)]
    if type(layer) is keras.layers.Embedding:
        return [(channels.outputs, -1)]
    # A layer of grouped convolutions has fewer rows than inputs, and its channels are kept anyway.
    if type(layer) in (keras.layers.Conv2D, keras.layers.Dense) and getattr(layer, "groups", 1) == 1:
        return [(channels.inputs, -2), (channels.outputs, -1)]
    return []


def batch_norm_scales(student: keras.Model, graph: ChannelGraph) -> np.ndarray:
    """Returns the mean magnitude of each unit's scales in batch normalization.

    Args:
      student: Trained or not.
      graph: Of the student.

    Returns:
      float64 `[graph.num_units]`; NaN for a unit that no scale belongs to.

    Raises:
      ConfigError: no group has scales for all of its units.
    """
    mean = _Mean(graph)
    for layer in student.layers:
        if type(layer) is keras.layers.BatchNormalization and layer.scale:
            mean.add(graph.layers[layer.name].outputs, np.abs(keras.ops.convert_to_numpy(layer.gamma)))
    scales = mean.result()
    if all(np.any(np.isnan(scales[group.units])) for group in graph.groups):
        raise ConfigError(
            f"prune.importance: found batch_norm_scale for student {student.name!r}, which has no batch normalization "
            "with a scale behind channels that can be removed, accepted are weight_norm and taylor"
        )
    return scales


def _first_order_changes(
    student: keras.Model, graph: ChannelGraph, batches: Iterable[TrainingBatch], loss_of: Callable[[TrainingBatch], Any]
) -> np.ndarray:
    layers = [layer for layer in taking_layers(student, graph) if getattr(layer, "groups", 1) == 1]
    kernels = [kernel_variable(layer) for layer in layers]

    @tf.function(reduce_retracing=True)
    def changes_of_rows(batch: TrainingBatch) -> list[Any]:
        with tf.GradientTape() as tape:
            loss = loss_of(batch)
        gradients = tape.gradient(loss, kernels)
        products = [kernel.value * gradient for kernel, gradient in zip(kernels, gradients, strict=True)]
        return [tf.reduce_sum(product, [*range(len(product.shape) - 2), -1]) for product in products]

    total, num_batches = np.zeros(graph.num_units), 0
    for batch in batches:
        change = np.zeros(graph.num_units)
        for layer, rows in zip(layers, changes_of_rows(batch), strict=True):
            np.add.at(change, graph.layers[layer.name].inputs, rows.numpy().astype(np.float64))
        total += change**2
        num_batches += 1
    return total / max(1, num_batches)


def _loss_of(student: keras.Model, plan: TrainingPlan, teacher: LiveTeacher | None) -> Callable[[TrainingBatch], Any]:
    def loss(batch: TrainingBatch) -> Any:
        teacher_logits = teacher(batch.inputs)[0] if teacher is not None else batch.teacher_logits
        logits = student(as_float(batch.inputs), training=False)
        return student_loss(batch.targets, logits, teacher_logits, plan.distillation)

    return loss
