"""Several networks answer as one: with the mean of their probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from learn2compress.config import (
    InputScaling,
    Precision,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherOutput,
)
from learn2compress.litert.interpreter import predict
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.members import joint_sha256
from learn2compress.teachers.safety import content_sha256
from learn2compress.teachers.teacher import LoadedTeacher

TASK = TaskConfig(input_shape=(4, 4, 1))
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)
NUM_CLASSES = 3
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,))


def load(*members: TeacherMemberConfig, task: TaskConfig = TASK, **config: Any) -> LoadedTeacher:
    first, *others = members
    teacher = TeacherConfig(first.uri, first.input_scaling, first.output, ensemble=tuple(others), **config)
    return load_teacher([Path(member.uri) for member in members], teacher, task, NUM_CLASSES)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def dense(path: Path, seed: int, activation: str | None = None, batch_size: int | None = None) -> keras.Model:
    """A small teacher of its own weights."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4, 4, 1), batch_size=batch_size)
    model = keras.Model(inputs, keras.layers.Dense(3, activation=activation)(keras.layers.Flatten()(inputs)))
    model.save(path)
    return model


def test_an_ensemble_is_the_mean_of_probabilities(tmp_path: Path) -> None:
    one = dense(tmp_path / "one.keras", 1)
    two = dense(tmp_path / "two.keras", 2, "softmax")
    dense(tmp_path / "three.keras", 3).export(tmp_path / "three", verbose=False)
    three = keras.saving.load_model(tmp_path / "three.keras")
    centred = InputScaling(1 / 127.5, -1.0)
    teacher = load(
        TeacherMemberConfig(str(tmp_path / "one.keras")),
        TeacherMemberConfig(str(tmp_path / "two.keras"), output=TeacherOutput.PROBABILITIES),
        TeacherMemberConfig(str(tmp_path / "three"), centred),
        batch_size=3,
    )
    x = X / np.float32(255.0)
    expected = (softmax(one(x).numpy()) + two(x).numpy() + softmax(three(2 * x - 1).numpy())) / 3
    assert teacher.output is TeacherOutput.PROBABILITIES
    np.testing.assert_allclose(teacher.raw_outputs(X), expected, atol=1e-6)
    np.testing.assert_allclose(teacher.logits(X), np.log(expected), atol=1e-5)
    assert teacher.num_parameters == 3 * one.count_params()
    assert [member.output.value for member in teacher.members] == ["logits", "probabilities", "logits"]
    # The baseline is one file that computes the same.
    np.testing.assert_allclose(predict(teacher.to_litert(), X, input_scale=1.0), expected, atol=1e-5)


def test_one_teacher_is_no_ensemble(logits_teachers: dict[str, Path]) -> None:
    path = logits_teachers["keras"]
    teacher = load(TeacherMemberConfig(str(path)))
    assert teacher.output is TeacherOutput.LOGITS
    assert teacher.content_sha256 == content_sha256(path)


def test_the_hash_covers_all_members_and_their_order(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path]
) -> None:
    one, two = (TeacherMemberConfig(str(teachers["keras"])) for teachers in (logits_teachers, softmax_teachers))
    hashes = [load(*members).content_sha256 for members in ((one,), (one, two), (two, one))]
    assert len(set(hashes)) == 3
    assert hashes[1] == joint_sha256([content_sha256(Path(member.uri)) for member in (one, two)])


def test_members_that_take_one_example_at_a_time_go_with_others(tmp_path: Path) -> None:
    one = dense(tmp_path / "one.keras", 1, batch_size=1)
    two = dense(tmp_path / "two.keras", 2)
    teacher = load(*(TeacherMemberConfig(str(tmp_path / f"{name}.keras")) for name in ("one", "two")), batch_size=3)
    flat = X.reshape(7, 16) / 255.0
    expected = sum(softmax(flat @ model.get_weights()[0] + model.get_weights()[1]) for model in (one, two)) / 2
    np.testing.assert_allclose(teacher.raw_outputs(X), expected, atol=1e-6)
    np.testing.assert_allclose(predict(teacher.to_litert(), X, input_scale=1.0), expected, atol=1e-5)


def test_a_member_may_read_the_text_and_another_its_features(tmp_path: Path) -> None:
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=5, vocabulary=["yes", "no"])
    inputs = keras.Input((1,), dtype="string")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(20, 4)(words(inputs)))
    reader = keras.Model(inputs, keras.layers.Dense(3)(x))
    reader.save(tmp_path / "reader.keras")
    features = keras.Sequential([keras.Input((16,)), keras.layers.Dense(3)])
    features.save(tmp_path / "features.keras")
    members = [TeacherMemberConfig(str(tmp_path / f"{name}.keras")) for name in ("reader", "features")]
    teacher = load(*members, task=TEXT)
    assert teacher.takes_text
    texts, x_bytes = [b"yes", b"what no", b"yes no"], X[:3].reshape(3, 16)
    own = [softmax(reader(tf.constant(texts)[:, None]).numpy()), softmax(features(x_bytes / 255.0).numpy())]
    np.testing.assert_allclose(teacher.raw_outputs(x_bytes, texts), (own[0] + own[1]) / 2, atol=1e-6)
    assert teacher.to_litert() is None


def test_a_member_in_bfloat16_computes_with_the_same_weights(logits_teachers: dict[str, Path]) -> None:
    (member,) = load(TeacherMemberConfig(str(logits_teachers["keras"]))).members
    assert member.computed_in(Precision.FLOAT32) is member
    rough = member.computed_in(Precision.BFLOAT16)
    exact = member.scores(tf.constant(X)).numpy()
    found = rough.scores(tf.constant(X)).numpy()
    assert found.dtype == np.float32
    assert 0.0 < np.abs(found - exact).max() < 0.05 * np.abs(exact).max()
    for weight in member.network.model.weights:
        weight.assign(weight * 0.0)
    np.testing.assert_array_equal(rough.scores(tf.constant(X)), np.zeros((7, NUM_CLASSES)))
