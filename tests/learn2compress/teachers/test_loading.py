"""A teacher that is loaded fits the task, the classes and what the configuration says of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import (
    Precision,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherOutput,
    TeacherTraining,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.safety import UnsafeTeacherError
from learn2compress.teachers.teacher import LoadedTeacher

TASK = TaskConfig(input_shape=(4, 4, 1))
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)
NUM_CLASSES = 3
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,))


def load(path: Path, task: TaskConfig = TASK, num_classes: int = NUM_CLASSES, **config: Any) -> LoadedTeacher:
    return load_teacher([path], TeacherConfig(uri=str(path), **config), task, num_classes)


def refused(path: Path, what: str, **arguments: Any) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        load(path, **arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("teacher.")


def load_ensemble(*members: TeacherMemberConfig, task: TaskConfig = TASK, **config: Any) -> LoadedTeacher:
    first, *others = members
    teacher = TeacherConfig(first.uri, first.input_scaling, first.output, ensemble=tuple(others), **config)
    return load_teacher([Path(member.uri) for member in members], teacher, task, NUM_CLASSES)


@pytest.mark.parametrize("kind", ["keras", "saved_model"])
def test_a_teacher_that_does_not_fit_is_refused(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path], kind: str
) -> None:
    refused(logits_teachers[kind], r"\[batch, 5\]", num_classes=5)
    refused(logits_teachers[kind], "task.input_shape", task=TaskConfig(input_shape=(4, 5, 1)))
    refused(logits_teachers[kind], "or one string", task=TEXT)
    refused(logits_teachers[kind], "teacher.output.*'logits'", output=TeacherOutput.PROBABILITIES)
    refused(softmax_teachers[kind], "teacher.output.*'probabilities'", output=TeacherOutput.LOGITS)
    assert load(softmax_teachers[kind], output=TeacherOutput.PROBABILITIES).output is TeacherOutput.PROBABILITIES


@pytest.mark.parametrize(
    ("kind", "what"), [("saved_model", "with a SavedModel"), ("one", "with a network that takes one example at a time")]
)
def test_bfloat16_of_a_network_that_cannot_be_seen_into_is_refused(
    logits_teachers: dict[str, Path], kind: str, what: str, tmp_path: Path
) -> None:
    path = logits_teachers.get(kind, tmp_path / "one.keras")
    if kind == "one":
        inputs = keras.Input((4, 4, 1), batch_size=1)
        x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs))
        keras.Model(inputs, keras.layers.Dense(3)(x)).save(path)
    refused(path, what, precision=Precision.BFLOAT16)
    assert load(path, precision=Precision.FLOAT32).num_classes == NUM_CLASSES


def test_bfloat16_that_no_layer_would_be_computed_in_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.DepthwiseConv2D(3)(inputs)
    keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x))).save(tmp_path / "t.keras")
    refused(tmp_path / "t.keras", "none of whose layers is computed in it", precision=Precision.BFLOAT16)


def test_integers_as_input_are_refused(save_function: Callable[..., Path], tmp_path: Path) -> None:
    spec = tf.TensorSpec([None, 4, 4, 1], tf.int32)
    save_function(lambda x: tf.cast(x[:, 0, :3, 0], tf.float32), tmp_path / "d", spec)
    refused(tmp_path / "d", "found an input of int32")


def test_a_sigmoid_teacher_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Dense(3, activation="sigmoid")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Reshape((3,))(x))
    model.save(tmp_path / "t.keras")
    model.export(tmp_path / "t", verbose=False)
    refused(tmp_path / "t.keras", "multi-label sigmoid")
    refused(tmp_path / "t", "multi-label")
    assert load(tmp_path / "t", output=TeacherOutput.LOGITS).output is TeacherOutput.LOGITS


def test_the_name_of_a_file_does_not_matter(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    for kind, name in (("keras", "a.h5"), ("h5", "b.keras")):
        shutil.copy(logits_teachers[kind], tmp_path / name)
        assert load(tmp_path / name).output is TeacherOutput.LOGITS


def test_an_unsafe_teacher_is_refused_before_loading(tmp_path: Path) -> None:
    layer = keras.layers.Lambda(lambda x: x, output_shape=(3,))
    keras.Sequential([keras.Input((16,)), keras.layers.Dense(3), layer]).save(tmp_path / "t.keras")
    with pytest.raises(UnsafeTeacherError, match="Lambda"):
        load(tmp_path / "t.keras", task=TEXT)


def test_errors_name_the_member(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    good = TeacherMemberConfig(str(logits_teachers["keras"]))
    layer = keras.layers.Lambda(lambda x: x, output_shape=(3,))
    keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), layer]).save(tmp_path / "bad.keras")
    with pytest.raises(ConfigError, match=r"^teacher.ensemble.1.uri: .*Lambda"):
        load_ensemble(good, good, TeacherMemberConfig(str(tmp_path / "bad.keras")))
    wrong = TeacherMemberConfig(good.uri, output=TeacherOutput.PROBABILITIES)
    with pytest.raises(ConfigError, match=r"^teacher.ensemble.0.output: found 'probabilities', accepted is 'logits'"):
        load_ensemble(good, wrong)


def test_joint_training_needs_weights_that_can_learn(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    joint = {"training": TeacherTraining.JOINT}
    assert load_ensemble(TeacherMemberConfig(str(logits_teachers["h5"])), **joint).members[0].network.model is not None
    with pytest.raises(ConfigError, match=r"^teacher.training: found 'joint' with a SavedModel"):
        load_ensemble(TeacherMemberConfig(str(logits_teachers["saved_model"])), **joint)
    frozen = keras.saving.load_model(logits_teachers["keras"])
    frozen.trainable = False
    frozen.save(tmp_path / "frozen.keras")
    with pytest.raises(ConfigError, match=r"^teacher.training: found 'joint' with a model whose layers are all frozen"):
        load_ensemble(TeacherMemberConfig(str(tmp_path / "frozen.keras")), **joint)
