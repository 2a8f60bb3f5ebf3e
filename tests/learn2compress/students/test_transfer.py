"""Transfer learning from end to end: a model trained on other digits becomes the trunk, and int8 files leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from learn2compress.config import DistillationConfig, PretrainedConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.data.batches import TrainingData
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import float_operators
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat import train_quantized
from learn2compress.results.reports import EpochRecord
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.pretrained import frozen_layers, load_pretrained
from learn2compress.training.loop import fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

TASK = TaskConfig()
STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))
# The digits of `digits_data` are the first 768.
FIRST_OTHER_DIGIT = 768


def build() -> keras.Model:
    """A classifier of pixels in -1..1 as published ones are: padding apart, biases, separable convolutions."""
    layers = keras.layers
    inputs = keras.Input(TASK.input_shape)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")(inputs)
    x = layers.ZeroPadding2D(1, name="pad")(x)
    x = layers.Conv2D(12, 3, name="conv1")(x)
    x = layers.BatchNormalization(momentum=0.9, name="norm1")(x)
    x = layers.Activation("relu", name="relu1")(x)
    x = layers.SeparableConv2D(24, 3, padding="same", use_bias=False, name="conv2")(x)
    x = layers.BatchNormalization(momentum=0.9, name="norm2")(x)
    x = layers.ReLU(6.0, name="relu2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    shortcut = x
    x = layers.Conv2D(24, 3, padding="same", activation="relu", name="conv3")(layers.Dropout(0.1)(x))
    x = layers.Add(name="add3")([shortcut, x])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on digits that the students don't get."""
    make_deterministic(2)
    digits = load_digits()
    images = digits.images[FIRST_OTHER_DIGIT:, ..., None] / 8 - 1
    model = build()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(images, digits.target[FIRST_OTHER_DIGIT:], batch_size=64, epochs=12, verbose=0)
    path = tmp_path_factory.mktemp("transfer") / "model.keras"
    model.save(path)
    return path


def training_of(path: Path, epochs: int, frozen_epochs_ratio: float = 0.0, frozen_stages: int = 0) -> TrainingConfig:
    pretrained = PretrainedConfig(
        str(path),
        exits=("pool2", "add3"),
        input_multiply=2.0,
        input_add=-1.0,
        frozen_epochs_ratio=frozen_epochs_ratio,
        frozen_stages=frozen_stages,
    )
    return TrainingConfig(pretrained=pretrained, epochs=epochs)


def network_of(training: TrainingConfig) -> keras.Model:
    make_deterministic(4)
    return build_joint_network(TASK, 10, training, STUDENTS, load_pretrained(training, TASK))


def train(network: keras.Model, data: TrainingData, training: TrainingConfig) -> dict[str, tuple[EpochRecord, ...]]:
    plan = TrainingPlan("train", training.epochs, 0.01, DistillationConfig(), seed=3)
    return fit(network, data, plan, frozen_at=lambda epoch: frozen_layers(training, network, epoch))


@pytest.fixture(scope="module")
def trained(model_path: Path, digits_data: Callable[..., TrainingData]) -> keras.Model:
    """Students after two epochs on a trunk whose first stage never learns."""
    training = training_of(model_path, epochs=2, frozen_stages=1)
    network = network_of(training)
    train(network, digits_data(), training)
    return network


def test_heads_alone_on_a_trained_trunk_start_better_than_students_from_scratch(
    model_path: Path, digits_data: Callable[..., TrainingData]
) -> None:
    training = training_of(model_path, epochs=1, frozen_epochs_ratio=1.0)
    network = network_of(training)
    from_scratch = keras.models.clone_model(network)
    heads = ("large_", "small_")
    trunk = {layer.name: layer.get_weights() for layer in network.layers if not layer.name.startswith(heads)}

    started = train(network, digits_data(), training)
    scratch = train(from_scratch, digits_data(), training_of(model_path, epochs=1))

    for student in STUDENTS:
        assert started[student.name][-1].held_out_top_1 > scratch[student.name][-1].held_out_top_1 + 0.2
    for name, weights in trunk.items():
        for old, new in zip(weights, network.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def test_frozen_layers_do_not_move_and_others_do(model_path: Path, trained: keras.Model) -> None:
    before = network_of(training_of(model_path, epochs=2))
    moved = {
        layer.name: any((old != new).any() for old, new in zip(layer.get_weights(), after.get_weights(), strict=True))
        for layer, after in zip(before.layers, trained.layers, strict=True)
        if layer.weights
    }
    # Moving statistics count as weights: a frozen normalization stands still altogether.
    assert {name for name, has_moved in moved.items() if not has_moved} == {
        "conv1", "norm1", "conv2_depthwise", "conv2", "norm2",
    }  # fmt: skip
    assert moved["conv3"]


def test_the_8_bit_file_predicts_what_the_student_predicts(
    trained: keras.Model, digits_data: Callable[..., TrainingData]
) -> None:
    data = digits_data()
    plan = TrainingPlan("quantize", 2, 0.0003, DistillationConfig(), seed=3)
    network, history = train_quantized(standalone_student(trained, "large"), "large", data, 256, plan)
    file = to_int8_litert(network).pack()
    assert float_operators(file) == []
    ((inputs, labels),) = data.held_out()
    predicted = predict(file, inputs.numpy()).argmax(axis=1)
    simulated = np.argmax(network(inputs.numpy().astype(np.float32) / 255), axis=1)
    assert np.mean(predicted == simulated) > 0.98
    assert np.mean(predicted == labels.numpy()) > history[-1].held_out_top_1 - 0.02
