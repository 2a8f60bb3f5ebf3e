"""Each layer is pruned alone, measured, and restored."""

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
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import prunable_layers
from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.pruning.sensitivity import SPARSITY_RATIOS, layers_by_sensitivity, prune_sensitivity
from learn2compress.results.pruning import PruneSensitivity
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import by_name, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

PLAN = TrainingPlan("prune", epochs=4, learning_rate=0.01, distillation=DistillationConfig(), seed=3)


@pytest.fixture(scope="module")
def trained(digits_data: Callable[..., TrainingData]) -> keras.Model:
    make_deterministic(3)
    training, students = TrainingConfig(stages=(StageConfig(16, 2),)), [StudentConfig("only", 1)]
    student = standalone_student(build_joint_network(TaskConfig(), 10, training, students), "only")
    fit(by_name(student, "only"), digits_data(), PLAN)
    return student


def held_out(data: TrainingData) -> tuple[np.ndarray, np.ndarray]:
    """Examples that the student was not trained on."""
    ((inputs, labels),) = data.held_out()
    return inputs.numpy() / np.float32(255.0), labels.numpy()


def measured(student: keras.Model, data: TrainingData, config: PruneConfig) -> PruneSensitivity:
    inputs, labels = held_out(data)

    def top_1_of(pruned: keras.Model) -> float:
        return float(np.mean(np.argmax(pruned(inputs, training=False), axis=-1) == labels))

    return prune_sensitivity(student, "only", data, config, PLAN, top_1_of, num_examples=256, num_kept_back=200)


@pytest.mark.parametrize("method", list(PruneMethod))
def test_a_layer_that_loses_nearly_all_costs_accuracy_and_is_restored(
    trained: keras.Model, digits_data: Callable[..., TrainingData], method: PruneMethod
) -> None:
    before = trained.get_weights()
    sensitivity = measured(trained, digits_data(), PruneConfig(method=method))
    for old, new in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert (sensitivity.student, sensitivity.method) == ("only", method.value)
    assert (sensitivity.num_examples, sensitivity.num_kept_back) == (256, 200)
    assert sensitivity.top_1 > 0.8
    if method is PruneMethod.CHANNELS:
        expected = [group.name for group in channel_graph(trained).groups]
    else:
        layers = prunable_layers(trained.layers, 256)
        expected = [layer.name for layer in layers]
        assert [layer.num_weights for layer in sensitivity.layers] == [layer.kernel.numpy().size for layer in layers]
    assert [layer.layer for layer in sensitivity.layers] == expected
    for layer in sensitivity.layers:
        assert [point.sparsity_ratio for point in layer.accuracies] == list(SPARSITY_RATIOS)
    worst = min(layer.accuracies[-1].top_1 for layer in sensitivity.layers)
    assert worst < sensitivity.top_1 - 0.1


@pytest.mark.parametrize("method", list(PruneMethod))
def test_a_student_without_prunable_layers_has_none_and_says_so(
    digits_data: Callable[..., TrainingData], method: PruneMethod
) -> None:
    inputs = keras.Input((8, 8, 1))
    student = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs)), name="only")
    seen: list[progress.Progress] = []
    with progress.listening(seen.append):
        found = measured(student, digits_data(), PruneConfig(method=method, min_layer_weights=1000))
    assert found.layers == ()
    assert [report.detail for report in seen if report.is_notice] == [
        "sensitivity: student only has no layer that could be pruned"
    ]
    assert layers_by_sensitivity(student, PruneConfig(min_layer_weights=1000), lambda _: 0.0) == []


def test_layers_come_the_most_sensitive_first(trained: keras.Model) -> None:
    before = trained.get_weights()
    config = PruneConfig(sparsity_ratio=0.5, min_layer_weights=100)

    def zeros_of_the_last_layer_hurt_most(student: keras.Model) -> float:
        layers = prunable_layers(student.layers, 100)
        return -sum(place * float(np.mean(layer.kernel.numpy() == 0)) for place, layer in enumerate(layers))

    names = [layer.name for layer in prunable_layers(trained.layers, 100)]
    assert layers_by_sensitivity(trained, config, zeros_of_the_last_layer_hurt_most) == names[::-1]
    for old, new in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
