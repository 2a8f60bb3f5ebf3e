"""Structured pruning: takes channels out of a student, which then is smaller and faster for what it is.

Channels that only go together are found (`channel_graph`), judged
(`channel_importance`), chosen (`channel_choice`) and taken out
(`channel_removal`); then the smaller network trains as before.
"""

from __future__ import annotations

import keras
from pydantic import TypeAdapter

from learn2compress import progress
from learn2compress.config import ChannelImportance, PruneConfig
from learn2compress.data.batches import TrainingData
from learn2compress.pruning.channel_choice import ChannelRemoval, choose_removal, kept_units
from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.pruning.channel_importance import channel_importance
from learn2compress.pruning.channel_removal import without_channels
from learn2compress.results.reports import EpochRecord, json_bytes
from learn2compress.students.cost import count_macs
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import by_name, fit
from learn2compress.training.plan import TrainingPlan


def prune_channels(
    student: keras.Model,
    name: str,
    data: TrainingData,
    config: PruneConfig,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[keras.Model, tuple[EpochRecord, ...]]:
    """Takes out channels and fine-tunes what is left.

    Arguments as `learn2compress.pruning.prune_student`; the student stays as it is.

    Returns:
      A smaller model, and one record per epoch.
    """
    graph = channel_graph(student)

    def decide() -> str:
        importance = channel_importance(student, graph, data, config, plan, teacher)
        # A first-order change of the loss is comparable between layers as it is.
        relative = config.importance is not ChannelImportance.TAYLOR
        target_macs = (1.0 - config.sparsity_ratio) * count_macs(student)
        return json_bytes(choose_removal(graph, importance, target_macs, relative=relative)).decode()

    # A checkpoint only fits the network that it was taken of: a resumed training finds the choice as it was made.
    decision = checkpoint.once("channels", decide) if checkpoint else decide()
    removal = TypeAdapter(ChannelRemoval).validate_json(decision)
    left = f"{removal.macs_after:,} of {removal.macs_before:,} operations left"
    progress.report(f"{plan.phase} channels", 1, 1, left)
    smaller = without_channels(student, graph, kept_units(graph, removal))
    history = fit(by_name(smaller, name), data, plan, teacher=teacher, checkpoint=checkpoint)
    return smaller, history[name]
