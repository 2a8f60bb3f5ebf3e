"""Measures how sensitive each layer is to pruning: accuracy with it alone pruned (Li et al., arXiv:1608.08710)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np

from learn2compress import progress
from learn2compress.config import PruneConfig, PruneMethod, PruneScope
from learn2compress.config.ratios import count_at_ratio
from learn2compress.data.batches import TrainingData
from learn2compress.pruning.channel_graph import ChannelGraph, ChannelGroup, channel_graph
from learn2compress.pruning.channel_importance import channel_importance, taking_layers
from learn2compress.pruning.masks import masks_of
from learn2compress.pruning.sparsity import kernel_variable, prunable_layers
from learn2compress.results.pruning import LayerPruningSensitivity, PrunedAccuracy, PruneSensitivity
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.plan import TrainingPlan

SPARSITY_RATIOS = (0.25, 0.5, 0.75, 0.9)


@dataclasses.dataclass(frozen=True)
class _Part:
    """What is pruned alone: its name, the kernels that it is in, and their masks at a sparsity ratio."""

    name: str
    kernels: Sequence[keras.Variable]
    masks_at: Callable[[float], list[np.ndarray]]


def prune_sensitivity(
    student: keras.Model,
    name: str,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    top_1_of: Callable[[keras.Model], float],
    *,
    num_examples: int,
    num_kept_back: int,
    teacher: LiveTeacher | None = None,
) -> PruneSensitivity:
    """Measures the accuracy of a student with each layer, or group of channels, alone pruned.

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits; it is left as it was.
      name: Its name.
      data: Batches for the importance `taylor`, beside the teacher's logits unless `teacher` is given.
      config: What is pruned together.
      plan: The loss for `taylor`, the seed of its batches, and the phase to report.
      top_1_of: Measures a student's accuracy, 0..1; not on the held-out split, which layers must not be chosen by.
      num_examples: How many examples it measures on.
      num_kept_back: How many of them were kept back from training.
      teacher: Runs with each batch.

    Returns:
      Accuracies at each of `SPARSITY_RATIOS`; no layers where none can be pruned.

    Raises:
      ConfigError: channels can't be ranked by the importance that is configured.
    """
    if config.method is PruneMethod.CHANNELS:
        parts = _groups(student, data, config, plan, teacher)
    else:
        parts = _layers(student, config)
    before, layers = top_1_of(student), []
    for number, part in enumerate(parts):
        progress.report(f"{plan.phase} sensitivity", number, len(parts), part.name, unit="parts")
        layers.append(_sensitivity(part, lambda: top_1_of(student)))
    if not parts:
        progress.notice(plan.phase, f"sensitivity: student {name} has no layer that could be pruned")
    return PruneSensitivity(name, config.method.value, num_examples, num_kept_back, before, tuple(layers))


def layers_by_sensitivity(
    student: keras.Model, config: PruneConfig, quality_of: Callable[[keras.Model], float]
) -> list[str]:
    """Returns the names of the layers that are pruned, the most sensitive to `config.sparsity_ratio` first.

    Args:
      student: It is left as it was.
      config: With a method that prunes layer by layer.
      quality_of: Measures a student; higher is better.
    """
    parts = _layers(student, config)
    found = {part.name: _measured(part, config.sparsity_ratio, lambda: quality_of(student)) for part in parts}
    return sorted(found, key=lambda name: found[name])


def _sensitivity(part: _Part, top_1: Callable[[], float]) -> LayerPruningSensitivity:
    accuracies = tuple(PrunedAccuracy(ratio, _measured(part, ratio, top_1)) for ratio in SPARSITY_RATIOS)
    num_weights = sum(int(np.sum(mask == 0)) for mask in part.masks_at(1.0))
    return LayerPruningSensitivity(part.name, num_weights, accuracies)


def _measured(part: _Part, sparsity_ratio: float, quality: Callable[[], float]) -> float:
    """Returns the quality while a part alone is pruned, and restores its weights."""
    weights = [keras.ops.convert_to_numpy(kernel) for kernel in part.kernels]
    try:
        for kernel, weight, mask in zip(part.kernels, weights, part.masks_at(sparsity_ratio), strict=True):
            kernel.assign(weight * mask)
        return quality()
    finally:
        for kernel, weight in zip(part.kernels, weights, strict=True):
            kernel.assign(weight)


def _layers(student: keras.Model, config: PruneConfig) -> list[_Part]:
    method = PruneMethod.BLOCK if config.method is PruneMethod.BLOCK else PruneMethod.MAGNITUDE
    alone = dataclasses.replace(config, method=method, scope=PruneScope.LAYER)

    def part(layer: keras.Layer) -> _Part:
        weights = [keras.ops.convert_to_numpy(kernel_variable(layer))]
        return _Part(layer.name, [kernel_variable(layer)], lambda ratio: masks_of(weights, ratio, alone))

    return [part(layer) for layer in prunable_layers(student.layers, config.min_layer_weights)]


def _groups(
    student: keras.Model, data: TrainingData, config: PruneConfig, plan: TrainingPlan, teacher: LiveTeacher | None
) -> list[_Part]:
    graph = channel_graph(student)
    if not graph.groups:
        return []
    importance = channel_importance(student, graph, data, config, plan, teacher)
    groups = [group for group in graph.groups if not np.any(np.isnan(importance[group.units]))]
    return [_group(student, graph, group, importance) for group in groups]


def _group(student: keras.Model, graph: ChannelGraph, group: ChannelGroup, importance: np.ndarray) -> _Part:
    """Returns a group as a part: zeroing the rows of the layers that take its channels is as good as removing them."""
    inputs = {layer: graph.layers[layer.name].inputs for layer in taking_layers(student, graph)}
    takers = [layer for layer, units in inputs.items() if np.any(np.isin(units, group.units))]
    ascending = group.units[np.argsort(importance[group.units], kind="stable")]

    def masks_at(ratio: float) -> list[np.ndarray]:
        pruned = ascending[: count_at_ratio(ratio, ascending.size)]
        rows = [np.isin(inputs[layer], pruned, invert=True).astype(np.float32)[:, None] for layer in takers]
        shapes = [kernel_variable(layer).shape for layer in takers]
        return [np.broadcast_to(row, shape) for row, shape in zip(rows, shapes, strict=True)]

    return _Part(group.name, [kernel_variable(layer) for layer in takers], masks_at)
