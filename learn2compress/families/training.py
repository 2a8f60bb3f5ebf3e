"""The training of a family: the widest alone, then, with its channels in order of importance, all sub-networks."""

from __future__ import annotations

import dataclasses

from learn2compress import progress
from learn2compress.config import FamilyConfig, TrainingConfig
from learn2compress.config.ratios import count_at_ratio
from learn2compress.data.batches import TrainingData
from learn2compress.families.network import FamilyNetwork
from learn2compress.families.reordering import reorder_channels, start_narrower
from learn2compress.families.step import FamilyStep, StepNumber
from learn2compress.results.reports import EpochRecord
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import Training
from learn2compress.training.plan import TrainingPlan, joint_plan


def family_plan(network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig, seed: int) -> TrainingPlan:
    """Returns the plan of a family's training.

    Args:
      network: The family.
      training: How it trains.
      family: When the narrower ones join.
      seed: The run's.
    """
    widest, narrowest = network.deepest_of(network.widest), network.deepest_of(network.narrowest)
    joins = {} if narrowest == widest else {narrowest: joining_epoch(training, family)}
    return dataclasses.replace(joint_plan(training, (), widest, seed), joins_at_epoch=joins)


def joining_epoch(training: TrainingConfig, family: FamilyConfig) -> int:
    """Returns the 0-based epoch from which the narrower ones train, too."""
    return count_at_ratio(family.joins_after_ratio, training.epochs)


def train_family(
    network: FamilyNetwork,
    data: TrainingData,
    plan: TrainingPlan,
    family: FamilyConfig,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[str, tuple[EpochRecord, ...]]:
    """Trains a family in place.

    Args:
      network: The family.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      plan: From `family_plan`.
      family: How much narrower ones follow the widest.
      teacher: Runs in each step.
      checkpoint: Where state is kept after each epoch; an interrupted training resumes from there.

    Returns:
      One record for each epoch of the deepest exits of the widest and of the narrowest, by output name.

    Raises:
      TrainingDivergedError: a loss is not finite; the message names the step.
    """
    run = family_training(network, data, plan, family, teacher)
    for _ in run.epochs(checkpoint):
        pass
    return run.finish()


def family_training(
    network: FamilyNetwork,
    data: TrainingData,
    plan: TrainingPlan,
    family: FamilyConfig,
    teacher: LiveTeacher | None = None,
) -> Training:
    """Returns the training of `train_family`, to be run epoch by epoch; arguments as there."""
    number = StepNumber()
    step = FamilyStep(network, plan, family, number, teacher)
    joins_at = max(plan.joins_at_epoch.values(), default=0)

    def join(epoch: int) -> bool:
        if epoch != joins_at or not epoch:
            return False
        num_channels = reorder_channels(network)
        start_narrower(network)
        progress.report(f"{plan.phase} channels", 1, 1, f"{num_channels} in the order of their importance")
        return True

    return Training(network.whole, data, plan, hook=number, step=step, before_epoch=join)
