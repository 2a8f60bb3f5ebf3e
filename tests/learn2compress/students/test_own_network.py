"""The teacher's network as a student: it computes what the teacher does, from the inputs that all students take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelOrder, InputScaling, TaskConfig, TeacherMemberConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.quantization.qat_network import why_not_trainable
from learn2compress.students.flattening import FlatCopy
from learn2compress.students.own_network import own_network, recurrent_layer
from learn2compress.teachers.input_scaling import scaled_inputs
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.network import Member

layers = keras.layers
SHAPE = (8, 8, 3)
CENTRED = InputScaling(multiply=1 / 127.5, add=-1.0)


def convolutional(*last: keras.layers.Layer, before: tuple[keras.layers.Layer, ...] = ()) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            *before,
            layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            *last,
        ]
    )


def loaded(model: keras.Model, folder: Path, num_classes: int, scaling: InputScaling = CENTRED, **how: Any) -> Member:
    shape = model.input_shape[1:]
    normalizations = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    # As after a training: a new normalization does nothing.
    for layer in normalizations:
        layer.momentum = 0.0
        layer.gamma.assign(np.random.default_rng(5).uniform(0.5, 1.5, layer.gamma.shape))
    model(scaled_inputs(images(shape, 16), scaling), training=True)
    for layer in normalizations:
        layer.momentum = 0.99
    path = folder / "teacher.keras"
    model.save(path)
    return load_member(path, TeacherMemberConfig(str(path), scaling, **how), TaskConfig(input_shape=shape), num_classes)


def images(shape: tuple[int, ...], count: int = 4) -> np.ndarray:
    """Noise from dark to bright."""
    noise = np.random.default_rng(1).uniform(0, 1, (count, *shape)) * np.linspace(0.2, 1, count).reshape(-1, 1, 1, 1)
    return (noise * 255).round().astype("float32")


def as_probabilities(member: Member, raw: np.ndarray) -> np.ndarray:
    return np.asarray(member.probabilities(raw))


def copied(member: Member, shape: tuple[int, ...] = SHAPE) -> keras.Model:
    return own_network(member, TaskConfig(input_shape=shape), "own")


def assert_computes_the_same(student: keras.Model, member: Member, tolerance: float = 1e-5) -> None:
    raw = images(student.input_shape[1:])
    found = np.asarray(keras.ops.softmax(student(raw / 255)))
    wanted = as_probabilities(member, raw)
    assert np.ptp(wanted, axis=0).max() > 10 * tolerance, "the teacher sees no difference"
    np.testing.assert_allclose(found, wanted, atol=tolerance)


@pytest.mark.parametrize(
    "last",
    [
        (layers.Dense(4),),
        (layers.Dense(4, activation="softmax"),),
        (layers.Dense(4), layers.Softmax()),
        (layers.Dense(4), layers.Activation("softmax")),
        (layers.Dense(4, activation="softmax"), layers.Activation("linear", dtype="float32")),
        (layers.Dense(4, activation="log_softmax"),),
    ],
    ids=["logits", "softmax inside", "softmax layer", "activation layer", "float32 behind", "log softmax"],
)
def test_every_kind_of_head_gives_logits(last: tuple[keras.layers.Layer, ...], tmp_path: Path) -> None:
    model = convolutional(*last)
    model.get_layer("conv").trainable = False
    member = loaded(model, tmp_path, 4)
    student = copied(member)
    assert_computes_the_same(student, member)
    assert np.asarray(student(images(SHAPE) / 255)).min() < 0, "probabilities, not logits"
    assert why_not_trainable(student) is None
    assert all(layer.trainable for layer in student.layers)
    assert student.get_layer("norm").momentum < 0.99


def test_logits_are_the_teachers_own(tmp_path: Path) -> None:
    member = loaded(convolutional(layers.Dense(4)), tmp_path, 4)
    raw = images(SHAPE)
    np.testing.assert_allclose(copied(member)(raw / 255), member.scores(raw), atol=1e-4)


def test_augmentation_goes_and_preprocessing_stays(tmp_path: Path) -> None:
    before = (layers.RandomFlip(), layers.RandomRotation(0.1), layers.Rescaling(1 / 255), layers.Dropout(0.5))
    bytes_as_they_are = InputScaling(multiply=1.0, add=0.0)
    member = loaded(convolutional(layers.Dense(4), before=before), tmp_path, 4, bytes_as_they_are)
    student = copied(member)
    assert_computes_the_same(student, member)
    kinds = {type(layer).__name__ for layer in student.layers}
    assert not kinds & {"RandomFlip", "RandomRotation", "Dropout", "Rescaling"}, "255 and 1/255 cancel"


def test_the_input_scaling_is_the_teachers(tmp_path: Path) -> None:
    scaling = InputScaling(multiply=(0.01, 0.02, 0.03), add=(0.1, -0.2, 0.3), channel_order=ChannelOrder.BGR)
    member = loaded(convolutional(layers.Dense(4)), tmp_path, 4, scaling)
    assert_computes_the_same(copied(member), member)


@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
def test_one_unit_becomes_two_classes(activation: str, tmp_path: Path) -> None:
    member = loaded(convolutional(layers.Dense(1, activation=activation)), tmp_path, 2)
    student = copied(member)
    assert student.output_shape == (None, 2)
    assert_computes_the_same(student, member)


def test_outputs_that_are_no_classes_are_cut_off(tmp_path: Path) -> None:
    member = loaded(convolutional(layers.Dense(6, activation="softmax")), tmp_path, 3, outputs=(5, 0, 2))
    student = copied(member)
    assert_computes_the_same(student, member)
    assert student.layers[-1].units == 3


def test_a_head_that_is_not_dense_gets_its_classes(tmp_path: Path) -> None:
    body = [keras.Input(SHAPE), layers.Conv2D(6, 3), layers.GlobalAveragePooling2D(), layers.Softmax()]
    member = loaded(keras.Sequential(body), tmp_path, 3, outputs=(5, 0, 2))
    assert_computes_the_same(copied(member), member, tolerance=1e-4)


def test_what_can_not_be_seen_into_is_refused_in_one_line(tmp_path: Path) -> None:
    convolutional(layers.Dense(4)).export(tmp_path / "saved", verbose=False)
    config = TeacherMemberConfig(str(tmp_path / "saved"), CENTRED)
    member = load_member(tmp_path / "saved", config, TaskConfig(input_shape=SHAPE), 4)
    with pytest.raises(ConfigError, match=r"found 'teacher' with a SavedModel .*accepted is a teacher in a .keras or"):
        copied(member)


def test_probabilities_of_unknown_origin_are_refused(tmp_path: Path) -> None:
    inputs = keras.Input(SHAPE)
    of_places = layers.Softmax()(layers.Reshape((48, 4))(inputs))
    model = keras.Model(inputs, layers.GlobalAveragePooling1D(name="mean")(of_places))
    with pytest.raises(ConfigError, match=r"whose probabilities are made by 'mean', accepted is a network that ends"):
        copied(loaded(model, tmp_path, 4))


def test_a_layer_that_is_used_twice_is_named(tmp_path: Path) -> None:
    inputs = keras.Input(SHAPE)
    conv = layers.Conv2D(3, 3, padding="same", name="twice")
    model = keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(conv(conv(inputs)))))
    with pytest.raises(ConfigError, match=r"found layer 'twice' twice"):
        copied(loaded(model, tmp_path, 4))


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ((layers.Conv2D(4, 3, activation="relu", name="c"), layers.ReLU(name="c_relu")), 'The name "c_relu" is used'),
        ((layers.Conv2D(4, 3, name="input"),), 'The name "input" is used'),
    ],
)
def test_names_that_a_copy_needs_are_refused_in_one_line(
    body: tuple[keras.layers.Layer, ...], line: str, tmp_path: Path
) -> None:
    model = keras.Sequential([keras.Input(SHAPE, name="images"), *body, layers.Flatten(), layers.Dense(4)])
    with pytest.raises(ConfigError, match=f"whose layers can't be copied one by one: {line}") as refused:
        copied(loaded(model, tmp_path, 4))
    assert "\n" not in str(refused.value)


def test_a_copy_that_answers_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    member = loaded(convolutional(layers.Dense(4)), tmp_path, 4)
    # As a layer does that keeps what it computes with outside its settings and weights.
    monkeypatch.setattr(FlatCopy, "set_weights", lambda copy, part: None)
    with pytest.raises(ConfigError, match=r"whose copy answers otherwise \(probabilities differ by 0\."):
        copied(member)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_activation_of_logits_that_are_not_all_classes_stays(activation: str, tmp_path: Path) -> None:
    member = loaded(convolutional(layers.Dense(6, activation=activation)), tmp_path, 3, outputs=(5, 0, 2))
    assert_computes_the_same(copied(member), member, tolerance=1e-4)


def test_recurrent_layers_are_found(tmp_path: Path) -> None:
    body = [keras.Input((8, 8, 1)), layers.Reshape((8, 8)), layers.GRU(4, name="memory"), layers.Dense(4)]
    member = loaded(keras.Sequential(body), tmp_path, 4)
    found = recurrent_layer(copied(member, (8, 8, 1)))
    assert found is not None
    assert found.name == "memory"
    plain = loaded(convolutional(layers.Dense(4)), tmp_path, 4)
    assert recurrent_layer(copied(plain)) is None


def residual8() -> keras.Model:
    """As MLPerf Tiny's image classifier is built: three stacks of a residual block."""
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(inputs)))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, strides, padding="same")(x)))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def separable_keywords() -> keras.Model:
    """As MLPerf Tiny's keyword spotter is built: depthwise separable convolutions over 49 frames of 10 coefficients."""
    inputs = keras.Input((49, 10, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(64, (10, 4), 2, padding="same")(inputs)))
    x = layers.Dropout(0.2)(x)
    for _ in range(4):
        x = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(x)))
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(64, 1)(x)))
    x = layers.Flatten()(layers.AveragePooling2D((25, 5))(layers.Dropout(0.4)(x)))
    return keras.Model(inputs, layers.Dense(12, activation="softmax")(x))


def mobilenet_v3() -> keras.Model:
    return keras.applications.MobileNetV3Small((32, 32, 3), weights=None, classes=4)


@pytest.mark.parametrize("build", [residual8, separable_keywords, mobilenet_v3])
def test_networks_that_people_have_are_known_to_pruning_and_8_bit_training(
    build: Callable[[], keras.Model], tmp_path: Path
) -> None:
    keras.utils.set_random_seed(3)
    model = build()
    shape = model.input_shape[1:]
    member = loaded(model, tmp_path, model.output_shape[-1], InputScaling(multiply=1.0, add=0.0))
    student = copied(member, shape)
    assert_computes_the_same(student, member)
    assert why_not_trainable(student) is None
    assert channel_graph(student).groups


def test_a_vision_transformers_layer_is_named(tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 1))
    x = layers.Reshape((16, 12))(layers.Conv2D(12, 2, 2, name="patches")(inputs))
    x = layers.Add()([x, layers.MultiHeadAttention(2, 6, name="attention")(x, x)])
    x = layers.LayerNormalization(name="layer_norm")(x)
    model = keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))
    member = loaded(model, tmp_path, 4)
    student = copied(member, (8, 8, 1))
    assert_computes_the_same(student, member, tolerance=1e-4)
    reason = why_not_trainable(student)
    assert reason is not None
    assert "'attention'" in reason
    assert "MultiHeadAttention" in reason
