"""Structured pruning: removes channels from a student, which then is smaller and faster for what it is.

Channels that can only be removed together are found (`channel_graph`), their
importance is measured (`channel_importance`), some are chosen (`channel_choice`)
and removed (`channel_removal`); then the smaller network trains as before.
"""

from __future__ import annotations

import keras
import numpy as np
from pydantic import TypeAdapter

from learn2compress import progress
from learn2compress.config import ChannelImportance, PruneConfig
from learn2compress.config.parsing import listed
from learn2compress.data.batches import TrainingData
from learn2compress.pruning.channel_choice import ChannelRemoval, choose_removal, kept_units
from learn2compress.pruning.channel_graph import ChannelGraph, channel_graph
from learn2compress.pruning.channel_importance import batch_norm_scales, channel_importance
from learn2compress.pruning.channel_removal import without_channels
from learn2compress.results.reports import EpochRecord, json_bytes
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import by_name, fit
from learn2compress.training.plan import TrainingPlan

_NO_GROUPS = "it has no channels that can be removed: all belong to its input, its logits or layers that are not known"


def prune_channels(
    student: keras.Model,
    name: str,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[keras.Model, tuple[EpochRecord, ...], str | None]:
    """Removes channels and fine-tunes the network that is left.

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits; it stays as it is.
      name: Its name in the history.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      config: The share of operations to remove, and the importance of channels.
      plan: How to train meanwhile.
      teacher: Runs in each step.
      checkpoint: Where an interrupted pruning resumes.

    Returns:
      A smaller model, one record per epoch, and `None`; or, where no channel is
      removed, `student` itself, no record, and why, a clause with figures.

    Raises:
      ConfigError: channels can't be ranked by the importance that is configured.
    """
    graph = channel_graph(student)
    if not graph.groups:
        return student, (), _NO_GROUPS

    def decide() -> str:
        importance = channel_importance(student, graph, data, config, plan, teacher)
        return json_bytes(_removal(graph, importance, config)).decode()

    # A checkpoint only fits the network that it was taken of: a resumed training finds the choice as it was made.
    decision = checkpoint.once("channels", decide) if checkpoint else decide()
    removal = TypeAdapter(ChannelRemoval).validate_json(decision)
    if removal.macs_after == removal.macs_before:
        return student, (), _no_step(graph, config)
    left = f"{removal.macs_after:,} of {removal.macs_before:,} operations left"
    progress.report(f"{plan.phase} channels", 1, 1, left)
    smaller = without_channels(student, graph, kept_units(graph, removal))
    history = fit(by_name(smaller, name), data, plan, teacher=teacher, checkpoint=checkpoint)
    return smaller, history[name], None


def why_no_channels(student: keras.Model, config: PruneConfig) -> str | None:
    """Returns why no channel of a student is removed, as far as its layers say; `None` where some are.

    Args:
      student: Trained or not.
      config: With the method `channels`.

    Returns:
      A clause with figures, for a reader.

    Raises:
      ConfigError: channels can't be ranked by the importance that is configured.
    """
    graph = channel_graph(student)
    if not graph.groups:
        return _NO_GROUPS
    ranked_by_scale = config.importance is ChannelImportance.BATCH_NORM_SCALE
    importance = batch_norm_scales(student, graph) if ranked_by_scale else np.ones(graph.num_units)
    removal = _removal(graph, importance, config)
    return _no_step(graph, config) if removal.macs_after == removal.macs_before else None


def _removal(graph: ChannelGraph, importance: np.ndarray, config: PruneConfig) -> ChannelRemoval:
    # A first-order change of the loss is comparable between layers as it is.
    relative = config.importance is not ChannelImportance.TAYLOR
    target_macs = (1.0 - config.sparsity_ratio) * graph.macs(np.ones(graph.num_units, bool))
    return choose_removal(graph, importance, target_macs, relative=relative)


def _no_step(graph: ChannelGraph, config: PruneConfig) -> str:
    groups = listed([f"{group.name} ({group.units.size})" for group in graph.groups])
    return (
        f"among the channels that prune.importance {config.importance.value} can rank, no step of 4 or 8 comes nearer "
        f"to prune.sparsity_ratio {config.sparsity_ratio:g} of its operations than removing none; channels by layer: "
        f"{groups}"
    )
