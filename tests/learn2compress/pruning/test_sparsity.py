"""Masks of a network: which kernels have one, when they are updated, and that zeros outlive them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import (
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
from learn2compress.pruning.sparsity import (
    MaskPruner,
    keep_zeros,
    kernel_variable,
    mask_kernels,
    prunable_layers,
    sparsity_of,
    why_no_zeros,
)
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import make_deterministic


def new_student(family: str = "residual") -> keras.Model:
    make_deterministic(5)
    training = TrainingConfig(architecture=family, stages=(StageConfig(8), StageConfig(16)))
    return standalone_student(build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)]), "only")


def test_depthwise_kernels_stay_dense() -> None:
    student = new_student("mobilenet")
    depthwise = [layer for layer in student.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    assert len(depthwise) == 2
    prunable = prunable_layers(student.layers, 1)
    assert not set(depthwise) & set(prunable)
    assert {layer.name for layer in prunable} == {
        layer.name for layer in student.layers if layer.weights and "kernel" in {w.name for w in layer.weights}
    } - {layer.name for layer in depthwise}


def zeros_of(student: keras.Model, min_layer_weights: int = 100) -> list[int]:
    layers = prunable_layers(student.layers, min_layer_weights)
    return [int(np.sum(keras.ops.convert_to_numpy(kernel_variable(layer)) == 0)) for layer in layers]


def test_zeros_follow_the_schedule_and_are_exact_at_its_end() -> None:
    student = new_student()
    config = PruneConfig(sparsity_ratio=0.29, scope=PruneScope.LAYER, min_layer_weights=100, ramp_ratio=0.29)
    pruner = MaskPruner(student, config, total_steps=100)
    totals = []
    for step in range(100):
        pruner.before_step(step)
        totals.append(sum(zeros_of(student)))
    assert totals[0] == 0
    assert totals == sorted(totals)
    sizes = [kernel_variable(layer).shape for layer in prunable_layers(student.layers, 100)]
    assert totals[14] < totals[29] == totals[-1]
    assert zeros_of(student) == [count_at_ratio(0.29, int(np.prod(size))) for size in sizes]
    assert sparsity_of(student.layers, 100) == pytest.approx(0.29, abs=0.001)


def test_convolutions_over_time_and_the_projections_of_an_attention_are_pruned() -> None:
    inputs = keras.Input((8, 12))
    features = keras.layers.Conv1D(16, 3, padding="same", name="over_time")(inputs)
    features = keras.layers.MultiHeadAttention(2, 8, name="attention")(features, features)
    network = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling1D()(features)))
    names = [layer.name for layer in prunable_layers(network.layers, 100)]
    assert names == ["over_time", "query", "key", "value", "attention_output"]
    config = PruneConfig(sparsity_ratio=0.5, min_layer_weights=100, ramp_ratio=0.5)
    assert why_no_zeros(network, config) is None
    pruner = MaskPruner(network, config, total_steps=4)
    for step in range(4):
        pruner.before_step(step)
    assert sparsity_of(network.layers, 100) == pytest.approx(0.5, abs=0.01)
    kernel = network.get_layer("attention").query_dense.kernel
    assert np.mean(np.asarray(kernel) == 0) > 0.25


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN])
def test_a_recurrent_layers_kernel_of_inputs_is_pruned(kind: type[keras.layers.Layer]) -> None:
    network = keras.Sequential([keras.Input((8, 12)), kind(16), keras.layers.Dense(4)])
    (cell,) = prunable_layers(network.layers, 100)
    pruner = MaskPruner(network, PruneConfig(sparsity_ratio=0.5, min_layer_weights=100), total_steps=1)
    pruner.before_step(1)
    assert np.mean(np.asarray(cell.kernel) == 0) == pytest.approx(0.5, abs=0.01)
    assert np.all(np.asarray(cell.recurrent_kernel) != 0)


def test_a_mask_holds_its_zeros_whatever_the_optimizer_does() -> None:
    kernel = keras.Variable(np.ones((4, 4), np.float32))
    (mask,) = mask_kernels([kernel])
    mask.mask.assign(np.eye(4, dtype=np.float32))
    np.testing.assert_array_equal(kernel.constraint(kernel + 1.0), 2.0 * np.eye(4))


def test_zeros_that_are_there_are_kept_in_further_training() -> None:
    student = new_student()
    layer = prunable_layers(student.layers, 100)[0]
    kernel = kernel_variable(layer)
    weights = keras.ops.convert_to_numpy(kernel).copy()
    weights[..., 0] = 0.0
    kernel.assign(weights)
    keep_zeros(student.layers, 100)
    held = keras.ops.convert_to_numpy(kernel.constraint(kernel + 1.0))
    assert np.all(held[..., 0] == 0)
    assert np.all(held[..., 1:] == weights[..., 1:] + 1.0)


def test_without_a_prunable_kernel_there_is_no_sparsity_and_no_mask() -> None:
    student = new_student()
    assert sparsity_of(student.layers, 10_000) == 0.0
    keep_zeros(student.layers, 10_000)
    pruner = MaskPruner(student, PruneConfig(min_layer_weights=10_000), total_steps=10)
    pruner.before_step(5)
    assert pruner.variables == []


@pytest.mark.parametrize("scope", list(PruneScope))
@pytest.mark.parametrize("method", [PruneMethod.MAGNITUDE, PruneMethod.BLOCK, PruneMethod.N_OF_M])
def test_kernels_that_are_all_too_small_are_the_reason_for_no_zeros(method: PruneMethod, scope: PruneScope) -> None:
    student = new_student()
    config = PruneConfig(method=method, scope=scope, min_layer_weights=10_000)
    assert why_no_zeros(student, config) == (
        "no kernel has prune.min_layer_weights 10000 weights: the largest, stage2_conv1, has 1152"
    )
    assert why_no_zeros(student, PruneConfig(method=method, scope=scope, min_layer_weights=100)) is None


@pytest.mark.parametrize("scope", list(PruneScope))
def test_less_than_a_block_of_each_kernel_is_the_reason_for_no_zeros(scope: PruneScope) -> None:
    config = PruneConfig(method=PruneMethod.BLOCK, scope=scope, block_shape=(64, 64), min_layer_weights=200)
    student = new_student()
    # Nine blocks in the convolution, one in each of the others: of nine, half can be spared.
    assert why_no_zeros(student, config) is None
    inputs = keras.Input((8,))
    small = keras.Model(inputs, keras.layers.Dense(40, name="first")(keras.layers.Dense(16, name="none")(inputs)))
    assert why_no_zeros(small, config) == (
        "prune.method block at sparsity_ratio 0.5 makes no weight zero in the kernels that it prunes: first"
    )


def test_ratios_of_their_own_can_be_the_reason_for_no_zeros() -> None:
    student = new_student()
    names = [layer.name for layer in prunable_layers(student.layers, 256)]
    config = PruneConfig(layer_sparsity_ratios=dict.fromkeys(names, 0.0))
    assert "at sparsity_ratio 0.5 and its layer_sparsity_ratios makes no weight zero" in str(
        why_no_zeros(student, config)
    )
    assert why_no_zeros(student, PruneConfig(layer_sparsity_ratios=dict.fromkeys(names, 0.3))) is None


def test_a_ratio_for_a_layer_that_does_not_exist_is_refused_with_those_that_do() -> None:
    config = PruneConfig(layer_sparsity_ratios={"stage9_conv1": 0.25})
    with pytest.raises(
        ConfigError, match=r"found 'stage9_conv1' for student 'only', accepted are .* stage2_conv1, only_conv"
    ):
        why_no_zeros(new_student(), config)
    small = PruneConfig(layer_sparsity_ratios={"stage2_conv1": 0.25}, min_layer_weights=10_000)
    with pytest.raises(
        ConfigError, match=r"accepted are the layers that are pruned: none: no kernel has .* 10000 weights"
    ):
        MaskPruner(new_student(), small, total_steps=10)
