"""A student loses channels and is fine-tuned; without channels to remove it stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress import progress
from learn2compress.config import ChannelImportance, DistillationConfig, PruneConfig, PruneMethod
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import prune_student
from learn2compress.pruning.channels import why_no_channels
from learn2compress.students.cost import count_macs
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import make_deterministic
from learn2compress.training.plan import TrainingPlan

Make = Callable[[str], keras.Model]
PLAN = TrainingPlan("prune", epochs=2, learning_rate=0.001, distillation=DistillationConfig(), seed=3)


def test_scales_can_not_rank_channels_where_nothing_is_normalized(
    network: Make, digits_data: Callable[..., TrainingData]
) -> None:
    plain = network("plain")
    config = PruneConfig(method=PruneMethod.CHANNELS, importance=ChannelImportance.BATCH_NORM_SCALE)
    with pytest.raises(ConfigError, match="found batch_norm_scale for student 'plain', which has no batch norm"):
        prune_student(plain, "plain", digits_data(), config, PLAN)


class Killed(Exception):
    """In place of a kill."""


class DyingCheckpoint(Checkpoint):
    """Dies when the first epoch is saved."""

    def save(self, *state: Any) -> None:
        super().save(*state)
        raise Killed


def test_a_student_loses_half_of_its_operations_and_a_killed_pruning_ends_at_the_same_weights(
    network: Make, digits_data: Callable[..., TrainingData], tmp_path: Path
) -> None:
    config, data = PruneConfig(method=PruneMethod.CHANNELS), digits_data(batch_size=128)
    make_deterministic(3)
    full = network("plain")
    before = full.get_weights()
    undisturbed, history, _ = prune_student(full, "only", data, config, PLAN)
    assert count_macs(undisturbed) == pytest.approx(0.5 * count_macs(full), rel=0.1)
    assert [(record.phase, record.epoch, record.sparsity_ratio) for record in history] == [
        ("prune", epoch, 0.0) for epoch in (1, 2)
    ]
    for old, new in zip(before, full.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(Killed):
        prune_student(network("plain"), "only", data, config, PLAN, checkpoint=DyingCheckpoint(tmp_path))
    resumed, records, _ = prune_student(network("plain"), "only", data, config, PLAN, checkpoint=Checkpoint(tmp_path))
    assert records == history
    for one, other in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def logits_alone() -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs)), name="only")


@pytest.mark.parametrize("importance", list(ChannelImportance))
def test_a_student_without_channels_to_remove_stays_as_it_is_and_says_why(
    digits_data: Callable[..., TrainingData], importance: ChannelImportance
) -> None:
    student, config = logits_alone(), PruneConfig(method=PruneMethod.CHANNELS, importance=importance)
    before, seen = student.get_weights(), list[progress.Progress]()
    with progress.listening(seen.append):
        pruned = prune_student(student, "only", digits_data(), config, PLAN)
    assert (pruned.student, pruned.records) == (student, ())
    assert pruned.note == (
        "not pruned: it has no channels that can be removed: all belong to its input, its logits or layers that are "
        "not known"
    )
    assert [report.detail for report in seen if report.is_notice] == [pruned.note]
    for old, new in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_share_smaller_than_half_a_step_removes_nothing_and_says_so(
    network: Make, digits_data: Callable[..., TrainingData], tmp_path: Path
) -> None:
    student, config = network("plain"), PruneConfig(method=PruneMethod.CHANNELS, sparsity_ratio=0.01)
    pruned = prune_student(student, "only", digits_data(), config, PLAN, checkpoint=Checkpoint(tmp_path))
    assert (pruned.student, pruned.records) == (student, ())
    assert "no step of 4 or 8 comes nearer to prune.sparsity_ratio 0.01" in str(pruned.note)
    assert "first (16), second (32)" in str(pruned.note)
    assert pruned.note == f"not pruned: {why_no_channels(student, config)}"


def test_what_the_layers_say_before_training_is_what_happens(network: Make) -> None:
    assert why_no_channels(network("plain"), PruneConfig(method=PruneMethod.CHANNELS)) is None
    scales = PruneConfig(method=PruneMethod.CHANNELS, importance=ChannelImportance.BATCH_NORM_SCALE)
    with pytest.raises(ConfigError, match="accepted are weight_norm and taylor"):
        why_no_channels(network("plain"), scales)
