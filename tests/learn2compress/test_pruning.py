"""Schedule, masks, and pruning of a real student."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import (
    DistillationConfig,
    PruneConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import (
    cubic_sparsity,
    kernel_variable,
    magnitude_mask,
    prunable_layers,
    prune_student,
    sparsity_of,
)
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training import make_deterministic
from learn2compress.training_plan import TrainingPlan

PLAN = TrainingPlan(
    "prune", epochs=2, learning_rate=0.001, distillation=DistillationConfig(), seed=3, weight_decay=0.01
)


def new_student(family: str = "residual") -> keras.Model:
    make_deterministic(5)
    training = TrainingConfig(family=family, stages=(StageConfig(8), StageConfig(16)))
    return standalone_student(build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)]), "only")


def test_cubic_schedule_rises_from_zero_to_the_end_and_stays() -> None:
    ratios = [cubic_sparsity(step, 10, 0.8) for step in range(15)]
    assert ratios[0] == 0.0
    assert ratios[5] == pytest.approx(0.8 * (1 - 0.5**3))
    assert ratios[10:] == [pytest.approx(0.8)] * 5
    assert ratios == sorted(ratios)


def test_mask_drops_the_smallest() -> None:
    weights = np.array([[0.1, -3.0], [0.5, -0.2]], np.float32)
    np.testing.assert_array_equal(magnitude_mask(weights, 0.5), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(magnitude_mask(weights, 0.0), np.ones((2, 2)))
    np.testing.assert_array_equal(magnitude_mask(np.ones(4), 0.5), [0, 0, 1, 1])


@pytest.mark.parametrize("sparsity_ratio", [0.3, 0.9])
def test_a_pruned_student_is_exactly_as_sparse_as_asked(
    digits_data: Callable[..., TrainingData], sparsity_ratio: float
) -> None:
    student, config = new_student(), PruneConfig(sparsity_ratio=sparsity_ratio, min_layer_weights=100)
    history = prune_student(student, "only", digits_data(), config, PLAN)
    for layer in prunable_layers(student.layers, 100):
        kernel = keras.ops.convert_to_numpy(kernel_variable(layer))
        assert np.sum(kernel == 0) == int(sparsity_ratio * kernel.size)
    assert history[-1].sparsity_ratio == pytest.approx(sparsity_of(student.layers, 100))
    assert [record.phase for record in history] == ["prune", "prune"]


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
    assert prune_student(student, "only", digits_data(), PruneConfig(sparsity_ratio=0.0), PLAN) == ()
    for old, new in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
