"""Pruning of a real student: zeros that come and stay."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

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
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import kernel_variable, prunable_layers, prune_student, sparsity_of
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
    _, history = prune_student(student, "only", digits_data(), config, PLAN)
    kernels = [keras.ops.convert_to_numpy(kernel_variable(x)) for x in prunable_layers(student.layers, 100)]
    zeros, sizes = [int(np.sum(kernel == 0)) for kernel in kernels], [kernel.size for kernel in kernels]
    if scope is PruneScope.LAYER:
        assert zeros == [int(sparsity_ratio * size) for size in sizes]
    else:
        assert sum(zeros) == int(sparsity_ratio * sum(sizes))
    assert history[-1].sparsity_ratio == pytest.approx(sparsity_of(student.layers, 100))
    assert [record.phase for record in history] == ["prune", "prune"]


@pytest.mark.parametrize("method", [PruneMethod.BLOCK, PruneMethod.N_OF_M])
def test_patterns_hold_after_fine_tuning(digits_data: Callable[..., TrainingData], method: PruneMethod) -> None:
    student = new_student()
    config = PruneConfig(method=method, scope=PruneScope.GLOBAL, min_layer_weights=100)
    _, history = prune_student(student, "only", digits_data(batch_size=64), config, PLAN)
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


def test_depthwise_kernels_stay_dense() -> None:
    student = new_student("mobilenet")
    depthwise = [layer for layer in student.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    assert len(depthwise) == 2
    prunable = prunable_layers(student.layers, 1)
    assert not set(depthwise) & set(prunable)
    assert {layer.name for layer in prunable} == {
        layer.name for layer in student.layers if layer.weights and "kernel" in {w.name for w in layer.weights}
    } - {layer.name for layer in depthwise}


def test_a_ratio_of_zero_changes_nothing(digits_data: Callable[..., TrainingData]) -> None:
    student = new_student()
    before = student.get_weights()
    assert prune_student(student, "only", digits_data(), PruneConfig(sparsity_ratio=0.0), PLAN) == (student, ())
    for old, new in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_layer_with_a_share_of_its_own_has_it_in_the_end(digits_data: Callable[..., TrainingData]) -> None:
    own = {"stage2_conv1": 0.25}
    config = PruneConfig(scope=PruneScope.LAYER, layer_sparsity_ratios=own, min_layer_weights=100)
    student, _ = prune_student(new_student(), "only", digits_data(batch_size=64), config, PLAN)
    for layer in prunable_layers(student.layers, 100):
        kernel = keras.ops.convert_to_numpy(kernel_variable(layer))
        assert np.mean(kernel == 0) == (0.25 if layer.name == "stage2_conv1" else 0.5)


def test_a_share_for_a_layer_that_is_not_pruned_is_refused(digits_data: Callable[..., TrainingData]) -> None:
    config = PruneConfig(layer_sparsity_ratios={"stage9_conv1": 0.25})
    with pytest.raises(
        ConfigError, match="found 'stage9_conv1', accepted are the layers that are pruned: stage2_conv1"
    ):
        prune_student(new_student(), "only", digits_data(), config, PLAN)
