"""The 8-bit network, and the file that it becomes."""

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
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.pruning import kernel_variable, prunable_layers, prune_student
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat import train_quantized
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import by_name, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

MIN_LAYER_WEIGHTS = 100


def plan(phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
    return TrainingPlan(phase, epochs, learning_rate, DistillationConfig(), seed=3)


@pytest.fixture(scope="module", params=["residual", "resnet", "mobilenet", "nasnet"])
def pruned(request: pytest.FixtureRequest, digits_data: Callable[..., TrainingData]) -> keras.Model:
    """A trained student with every kind of layer, half of its weights zero."""
    make_deterministic(5)
    training = TrainingConfig(architecture=request.param, stages=(StageConfig(8, 1), StageConfig(16, 2)))
    student = standalone_student(build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)]), "only")
    fit(by_name(student, "only"), digits_data(), plan("train", 8, 0.01))
    config = PruneConfig(sparsity_ratio=0.5, min_layer_weights=MIN_LAYER_WEIGHTS)
    prune_student(student, "only", digits_data(), config, plan("prune", 2, 0.001))
    return student


@pytest.fixture(scope="module")
def quantized(pruned: keras.Model, digits_data: Callable[..., TrainingData]) -> keras.Model:
    network, history = train_quantized(pruned, "only", digits_data(), MIN_LAYER_WEIGHTS, plan("quantize", 2, 0.0003))
    assert [record.phase for record in history] == ["quantize", "quantize"]
    assert history[-1].sparsity_ratio == pytest.approx(0.5, abs=0.01)
    return network


@pytest.fixture(scope="module")
def model(quantized: keras.Model) -> bytes:
    return to_int8_litert(quantized).pack()


def held_out(data: TrainingData) -> tuple[np.ndarray, np.ndarray]:
    batches = list(data.held_out())
    inputs = np.concatenate([inputs.numpy() for inputs, _ in batches])
    return inputs, np.concatenate([labels.numpy() for _, labels in batches])


def test_the_file_is_int8_from_end_to_end(model: bytes) -> None:
    assert float_operators(model) == []
    cost = model_cost(model)
    assert (cost.input_dtype, cost.output_dtype) == ("uint8", "uint8")
    assert set(cost.operators) <= {
        "ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "MEAN", "QUANTIZE",
        "SOFTMAX",
    }  # fmt: skip


def test_the_file_predicts_what_the_trained_network_predicts(
    model: bytes, quantized: keras.Model, digits_data: Callable[..., TrainingData]
) -> None:
    inputs, labels = held_out(digits_data())
    scores = predict(model, inputs)
    trained = keras.ops.convert_to_numpy(keras.ops.softmax(quantized(inputs.astype(np.float32) / 255)))
    assert np.mean(scores.argmax(axis=1) == trained.argmax(axis=1)) > 0.97
    # Softmax in 8 bits has steps of 1/256; the logits before it are rounded as well.
    assert np.quantile(np.abs(scores - trained), 0.99) < 8 / 256
    # A short training, in which the narrowest family gets three of four right.
    assert np.mean(scores.argmax(axis=1) == labels) > 0.6


def test_the_file_loses_little_against_its_float_student(
    model: bytes, pruned: keras.Model, digits_data: Callable[..., TrainingData]
) -> None:
    inputs, labels = held_out(digits_data())
    float_top_1 = np.mean(np.argmax(pruned(inputs.astype(np.float32) / 255), axis=1) == labels)
    assert np.mean(predict(model, inputs).argmax(axis=1) == labels) > float_top_1 - 0.02


def test_pruned_weights_are_still_zero_in_the_file(model: bytes, pruned: keras.Model) -> None:
    kernels = [kernel_variable(layer) for layer in prunable_layers(pruned.layers, MIN_LAYER_WEIGHTS)]
    num_zeros = sum(int(np.sum(keras.ops.convert_to_numpy(kernel) == 0)) for kernel in kernels)
    cost = model_cost(model)
    assert num_zeros > 0
    assert cost.num_parameters - cost.num_nonzero_parameters >= num_zeros


def test_conversion_is_deterministic(quantized: keras.Model, model: bytes) -> None:
    assert to_int8_litert(quantized).pack() == model
