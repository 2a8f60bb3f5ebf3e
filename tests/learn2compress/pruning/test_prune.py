"""Pruning of a real student: zeros that come and stay."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress import progress
from learn2compress.config import (
    DistillationConfig,
    PruneConfig,
    PruneMethod,
    PruneScope,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.config.ratios import count_at_ratio
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import kernel_variable, prunable_layers, prune_student, sparsity_of
from learn2compress.pruning.prune import PrunedStudent
from learn2compress.results.reports import EpochRecord
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import make_deterministic
from learn2compress.training.plan import TrainingPlan

PLAN = TrainingPlan(
    "prune", epochs=2, learning_rate=0.001, distillation=DistillationConfig(), seed=3, weight_decay=0.01
)


def new_student(family: str = "residual") -> keras.Model:
    make_deterministic(5)
    training = TrainingConfig(architecture=family, stages=(StageConfig(8), StageConfig(16)))
    return standalone_student(build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)]), "only")


@pytest.mark.parametrize("sparsity_ratio", [0.3, 0.9])
@pytest.mark.parametrize("scope", PruneScope)
def test_a_pruned_student_is_exactly_as_sparse_as_asked(
    digits_data: Callable[..., TrainingData], sparsity_ratio: float, scope: PruneScope
) -> None:
    student, config = new_student(), PruneConfig(sparsity_ratio=sparsity_ratio, scope=scope, min_layer_weights=100)
    _, history, _ = prune_student(student, "only", digits_data(), config, PLAN)
    kernels = [keras.ops.convert_to_numpy(kernel_variable(x)) for x in prunable_layers(student.layers, 100)]
    zeros, sizes = [int(np.sum(kernel == 0)) for kernel in kernels], [kernel.size for kernel in kernels]
    if scope is PruneScope.LAYER:
        assert zeros == [count_at_ratio(sparsity_ratio, size) for size in sizes]
    else:
        assert sum(zeros) == count_at_ratio(sparsity_ratio, sum(sizes))
    assert history[-1].sparsity_ratio == pytest.approx(sparsity_of(student.layers, 100))
    assert [record.phase for record in history] == ["prune", "prune"]


@pytest.mark.parametrize("method", [PruneMethod.BLOCK, PruneMethod.N_OF_M])
def test_patterns_hold_after_fine_tuning(digits_data: Callable[..., TrainingData], method: PruneMethod) -> None:
    student = new_student()
    config = PruneConfig(method=method, scope=PruneScope.GLOBAL, min_layer_weights=100)
    _, history, _ = prune_student(student, "only", digits_data(batch_size=64), config, PLAN)
    assert history[-1].sparsity_ratio == pytest.approx(0.5, abs=0.01)
    for layer in prunable_layers(student.layers, 100):
        kernel = keras.ops.convert_to_numpy(kernel_variable(layer))
        groups = (kernel != 0).reshape(*kernel.shape[:-2], -1, 4, kernel.shape[-1]).sum(axis=-2)
        assert np.all(groups == 2) if method is PruneMethod.N_OF_M else set(np.unique(groups)) == {0, 4}


def test_small_kernels_stay_dense(digits_data: Callable[..., TrainingData]) -> None:
    student = new_student()
    prune_student(student, "only", digits_data(), PruneConfig(sparsity_ratio=0.5, min_layer_weights=100), PLAN)
    first = keras.ops.convert_to_numpy(kernel_variable(student.get_layer("stage1_conv1")))
    assert first.size == 72
    assert np.all(first != 0)


def test_a_ratio_of_zero_changes_nothing(digits_data: Callable[..., TrainingData]) -> None:
    student = new_student()
    before = student.get_weights()
    assert prune_student(student, "only", digits_data(), PruneConfig(sparsity_ratio=0.0), PLAN) == (student, (), None)
    for old, new in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_layer_with_a_share_of_its_own_has_it_in_the_end(digits_data: Callable[..., TrainingData]) -> None:
    own = {"stage2_conv1": 0.25}
    config = PruneConfig(scope=PruneScope.LAYER, layer_sparsity_ratios=own, min_layer_weights=100)
    student, _, _ = prune_student(new_student(), "only", digits_data(batch_size=64), config, PLAN)
    for layer in prunable_layers(student.layers, 100):
        kernel = keras.ops.convert_to_numpy(kernel_variable(layer))
        assert np.mean(kernel == 0) == (0.25 if layer.name == "stage2_conv1" else 0.5)


def test_a_share_for_a_layer_that_is_not_pruned_is_refused(digits_data: Callable[..., TrainingData]) -> None:
    config = PruneConfig(layer_sparsity_ratios={"stage9_conv1": 0.25})
    with pytest.raises(
        ConfigError,
        match="found 'stage9_conv1' for student 'only', accepted are the layers that are pruned: stage2_conv1",
    ):
        prune_student(new_student(), "only", digits_data(), config, PLAN)


@pytest.mark.parametrize("scope", list(PruneScope))
@pytest.mark.parametrize("method", [PruneMethod.MAGNITUDE, PruneMethod.BLOCK, PruneMethod.N_OF_M])
def test_a_student_of_small_kernels_stays_as_it_is_and_says_why(
    digits_data: Callable[..., TrainingData], method: PruneMethod, scope: PruneScope
) -> None:
    student = new_student()
    before, seen = student.get_weights(), list[progress.Progress]()
    config = PruneConfig(method=method, scope=scope, min_layer_weights=10_000)
    with progress.listening(seen.append):
        pruned = prune_student(student, "only", digits_data(), config, PLAN)
    assert (pruned.student, pruned.records) == (student, ())
    assert pruned.note == (
        "not pruned: no kernel has prune.min_layer_weights 10000 weights: the largest, stage2_conv1, has 1152"
    )
    assert [(report.work, report.detail) for report in seen if report.is_notice] == [("prune", pruned.note)]
    for old, new in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("scope", list(PruneScope))
def test_every_layer_may_have_a_ratio_of_its_own(digits_data: Callable[..., TrainingData], scope: PruneScope) -> None:
    student = new_student()
    own = {layer.name: 0.25 for layer in prunable_layers(student.layers, 256)}
    config = PruneConfig(scope=scope, layer_sparsity_ratios=own)
    pruned = prune_student(student, "only", digits_data(batch_size=64), config, PLAN)
    assert pruned.note is None
    assert pruned.records[-1].sparsity_ratio == 0.25


def test_a_history_goes_on_with_the_epochs_of_pruning_or_bears_its_note() -> None:
    before = (EpochRecord("train", 1, 0.5, 0.8), EpochRecord("train", 2, 0.4, 0.9))
    epochs = (EpochRecord("prune", 1, 0.4, 0.9),)
    student = new_student()
    assert PrunedStudent(student, epochs).continued(before) == before + epochs
    assert PrunedStudent(student, ()).continued(before) == before
    first, last = PrunedStudent(student, (), "not pruned: why").continued(before)
    assert (first, last.note, last.epoch) == (before[0], "not pruned: why", 2)
