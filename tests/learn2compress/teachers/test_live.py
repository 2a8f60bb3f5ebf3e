"""The teacher inside a training step: what it answers, and how it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import InputScaling, Precision, TaskConfig, TaskKind, TeacherConfig, TeacherMemberConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.live import LiveTeacher
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.safety import UnsafeTeacherError
from learn2compress.teachers.stored import TEACHER_FILE, store_copies
from learn2compress.teachers.teacher import LoadedTeacher

TASK = TaskConfig(input_shape=(4, 4, 1))
NUM_CLASSES = 3
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)
Y = np.array([0, 1, 2, 0, 1, 2, 0])


def store(folder: Path, *paths: Path, **config: Any) -> LoadedTeacher:
    """What TeacherLoad does: loads the teacher and stores it for live use."""
    folder.mkdir(parents=True)
    members = tuple(TeacherMemberConfig(str(path)) for path in paths[1:])
    teacher = load_teacher(paths, TeacherConfig(str(paths[0]), ensemble=members, **config), TASK, NUM_CLASSES)
    store_copies(folder, paths, teacher.members)
    return teacher


def live(folder: Path, **arguments: Any) -> LiveTeacher:
    return LiveTeacher.load(folder, TASK, NUM_CLASSES, **arguments)


def answer(teacher: LiveTeacher, training: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
    """One pass inside a graph, as a training step makes it."""
    logits, features = tf.function(lambda x: teacher(x, training))(X)
    return logits.numpy(), None if features is None else features.numpy()


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_every_format_answers_as_its_cached_logits_do(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    for name, path in (("logits", logits_teachers[kind]), ("softmax", softmax_teachers[kind])):
        cached = store(tmp_path / name, path, input_scaling=InputScaling(1 / 127.5, -1.0))
        logits, _ = answer(live(tmp_path / name))
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, cached.logits(X), atol=1e-5)


def test_an_ensemble_answers_with_the_mean_of_probabilities(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path], tmp_path: Path
) -> None:
    cached = store(tmp_path / "live", logits_teachers["saved_model"], softmax_teachers["keras"])
    teacher = live(tmp_path / "live")
    logits, features = answer(teacher, training=True)
    np.testing.assert_allclose(logits, cached.logits(X), atol=1e-5)
    assert features is None
    assert (teacher.hint_channels, teacher.trainable_variables, teacher.variables) == (None, [], [])


def test_batches_of_one_are_answered_one_by_one(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 1), batch_size=1)
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))
    model.save(tmp_path / "one.keras")
    store(tmp_path / "live", tmp_path / "one.keras")
    logits, _ = answer(live(tmp_path / "live"))
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(logits, X.reshape(7, 16) / 255.0 @ kernel + bias, atol=1e-5)
    with pytest.raises(ConfigError, match=r"^training.distillation.hint_weight: found hints from a SavedModel or a b"):
        live(tmp_path / "live", needs_hints=True)


def test_hints_of_a_saved_model_or_an_ensemble_are_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    store(tmp_path / "a", logits_teachers["saved_model"])
    store(tmp_path / "b", logits_teachers["keras"], logits_teachers["h5"])
    for folder, found in (("a", "a SavedModel"), ("b", "an ensemble")):
        with pytest.raises(ConfigError, match=rf"^training.distillation.hint_weight: found hints from {found}"):
            live(tmp_path / folder, needs_hints=True)


@pytest.mark.parametrize("members", [1, 2])
def test_in_bfloat16_it_answers_as_its_cached_logits_do_and_is_measured_in_float32(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path], members: int, tmp_path: Path
) -> None:
    paths = [logits_teachers["keras"], softmax_teachers["h5"]][:members]
    cached = store(tmp_path / "live", *paths, precision=Precision.BFLOAT16)
    teacher = live(tmp_path / "live", precision=Precision.BFLOAT16)
    rough, _ = answer(teacher)
    np.testing.assert_allclose(rough, cached.logits(X, precision=Precision.BFLOAT16), atol=1e-5)
    exact = cached.logits(X)
    np.testing.assert_allclose(teacher.float32_logits(tf.constant(X)), exact, atol=1e-5)
    assert not np.allclose(rough, exact, atol=1e-5)
    np.testing.assert_allclose(rough, exact, atol=0.05 * np.abs(exact).max())


@pytest.mark.parametrize(("kind", "precision"), [("keras", "float32"), ("h5", "float32"), ("keras", "bfloat16")])
def test_a_keras_teacher_learns_in_the_step_and_is_saved_as_it_is_then(
    logits_teachers: dict[str, Path], kind: str, precision: str, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    before = store(tmp_path / "live", logits_teachers[kind])
    teacher = live(tmp_path / "live", precision=Precision(precision))
    optimizer = keras.optimizers.SGD(0.1)
    moving = next(variable for variable in teacher.variables if "moving_mean" in variable.path)
    moving_before = moving.numpy()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits, _ = teacher(x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        gradients = tape.gradient(loss, teacher.trainable_variables)
        optimizer.apply_gradients(zip(gradients, teacher.trainable_variables, strict=True))
        return loss

    losses = [float(step(X, Y)) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    assert not np.allclose(moving.numpy(), moving_before)
    # Dropout is on: the same batch is answered differently.
    assert not np.allclose(answer(teacher, training=True)[0], answer(teacher, training=True)[0])

    teacher.save(tmp_path / "trained")
    logits = teacher.float32_logits(tf.constant(X)).numpy()
    assert not np.allclose(logits, before.logits(X), atol=0.1)
    np.testing.assert_allclose(answer(live(tmp_path / "trained"))[0], logits, atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "trained").iterdir()) == ["member-0.keras", TEACHER_FILE]
    saved = keras.saving.load_model(tmp_path / "trained" / "member-0.keras")
    assert all(weight.dtype == "float32" for weight in saved.weights)
    assert {layer.dtype_policy.name for layer in saved.layers} == {"float32"}
    assert not saved.compiled


def test_all_state_of_a_step_is_in_the_variables(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    store(tmp_path / "live", logits_teachers["keras"])
    teacher = live(tmp_path / "live")
    state = [variable.numpy() for variable in teacher.variables]
    first = answer(teacher, training=True)[0]
    assert not np.allclose(answer(teacher, training=True)[0], first)
    for variable, value in zip(teacher.variables, state, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(answer(teacher, training=True)[0], first)


def test_what_cannot_learn_is_not_saved(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    store(tmp_path / "live", logits_teachers["saved_model"])
    teacher = live(tmp_path / "live")
    assert teacher.trainable_variables == teacher.variables == []
    with pytest.raises(ConfigError, match=r"^teacher.training: found a teacher that can't learn"):
        teacher.save(tmp_path / "saved")


def test_a_stored_teacher_is_checked_again(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    store(tmp_path / "live", logits_teachers["keras"])
    layer = keras.layers.Lambda(lambda x: x, output_shape=(3,))
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3), layer])
    model.save(tmp_path / "live" / "member-0.keras")
    with pytest.raises(UnsafeTeacherError, match=r"^teacher.uri: .*Lambda"):
        live(tmp_path / "live")


def test_a_live_teacher_takes_the_features_of_a_text(tmp_path: Path) -> None:
    task = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,))
    inputs = keras.Input((16,))
    hidden = keras.layers.Dense(5, activation="relu", name="hidden")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(hidden))
    model.save(tmp_path / "t.keras")
    paths = [tmp_path / "t.keras"]
    cached = load_teacher(paths, TeacherConfig("t.keras"), task, NUM_CLASSES)
    store_copies(tmp_path, paths, cached.members)
    teacher = LiveTeacher.load(tmp_path, task, NUM_CLASSES)
    x = X.reshape(7, 16)
    logits, features = teacher(tf.constant(x))
    np.testing.assert_allclose(logits, cached.logits(x), atol=1e-5)
    assert teacher.hint_channels == 5
    expected = keras.Model(model.input, model.get_layer("hidden").output)(x / 255.0)
    np.testing.assert_allclose(features, expected, atol=1e-6)


def test_a_live_teacher_of_strings_is_refused(tmp_path: Path) -> None:
    task = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,))
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=5, vocabulary=["yes", "no"])
    inputs = keras.Input((), dtype="string")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(20, 4)(words(inputs)))
    keras.Model(inputs, keras.layers.Dense(3)(x)).save(tmp_path / "t.keras")
    paths = [tmp_path / "t.keras"]
    store_copies(tmp_path, paths, load_teacher(paths, TeacherConfig("t.keras"), task, NUM_CLASSES).members)
    with pytest.raises(ConfigError, match="found a teacher that takes strings inside the training step"):
        LiveTeacher.load(tmp_path, task, NUM_CLASSES)
