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
    ChannelOrder,
    InputScaling,
    Precision,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherOutput,
    TeacherTraining,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.interpreter import predict
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


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_outputs_are_read_in_the_order_that_is_declared(logits_teachers: dict[str, Path], kind: str) -> None:
    path = logits_teachers[kind]
    config = TeacherConfig(str(path), classes=("owl", "cat", "dog"))
    ordered = load_teacher([path], config, TASK, NUM_CLASSES, ("cat", "dog", "owl"))
    expected = load(path).logits(X)[:, [1, 2, 0]]
    np.testing.assert_array_equal(ordered.logits(X), expected)
    file = ordered.to_litert()
    assert file is not None
    np.testing.assert_allclose(predict(file, X, 1.0), expected, atol=1e-5)
    with pytest.raises(ConfigError, match=r"^teacher.classes: found 3 names \(no 'emu'; not in the data 'owl'\), "):
        load_teacher([path], config, TASK, NUM_CLASSES, ("cat", "dog", "emu"))
    with pytest.raises(ValueError, match=r"^teacher: found names of classes, but nobody said those of the data"):
        load_teacher([path], config, TASK, NUM_CLASSES)


def test_a_softmax_behind_a_linear_activation_is_no_logits(tmp_path: Path) -> None:
    """The guide to mixed precision ends a model so."""
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, keras.layers.Activation("linear", dtype="float32")(x)).save(tmp_path / "t.keras")
    for declared in (None, TeacherOutput.PROBABILITIES):
        assert load(tmp_path / "t.keras", output=declared).output is TeacherOutput.PROBABILITIES
    refused(tmp_path / "t.keras", "teacher.output.*'probabilities'", output=TeacherOutput.LOGITS)


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


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
@pytest.mark.parametrize("kind", ["keras", "saved_model"])
def test_a_teacher_of_bytes_takes_them_as_they_are(kind: str, dtype: str, tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 1), dtype=dtype)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 127.5, -1.0)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    path = tmp_path / f"t.{kind}"
    model.save(path) if kind == "keras" else model.export(path, verbose=False)
    teacher = load(path)
    np.testing.assert_allclose(teacher.logits(X), model(X.astype(dtype)), atol=1e-5)
    assert teacher.members[0].scaling == load(path, input_scaling=InputScaling(1.0, 0.0)).members[0].scaling
    with pytest.raises(ConfigError, match=rf"^teacher.input_scaling: found a scaling .* takes bytes \({dtype}\)"):
        load(path, input_scaling=InputScaling(1 / 127.5, -1.0))


def test_integers_that_hold_no_bytes_are_refused(save_function: Callable[..., Path], tmp_path: Path) -> None:
    spec = tf.TensorSpec([None, 4, 4, 1], tf.int8)
    save_function(lambda x: tf.cast(x[:, 0, :3, 0], tf.float32), tmp_path / "d", spec)
    refused(tmp_path / "d", "found an input of int8")


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_a_sigmoid_unit_is_two_classes(
    kind: str,
    build_teacher: Callable[..., keras.Model],
    save_teacher: Callable[[keras.Model, Path], dict[str, Path]],
    tmp_path: Path,
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray],
) -> None:
    model = build_teacher("sigmoid", num_classes=1)
    path = save_teacher(model, tmp_path)[kind]
    # A SavedModel does not say what its last operation is.
    declared = {"output": TeacherOutput.PROBABILITIES} if kind == "saved_model" else {}
    teacher = load(path, num_classes=2, **declared)
    p = np.array(model(X / 255.0))
    np.testing.assert_allclose(teacher.raw_outputs(X), np.concatenate([1 - p, p], axis=1), atol=1e-6)
    logits = teacher.logits(X)
    np.testing.assert_allclose(logits[:, 1:] - logits[:, :1], np.log(p / (1 - p)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), X), teacher.raw_outputs(X), atol=1e-5)
    assert teacher.output is TeacherOutput.PROBABILITIES
    if kind == "saved_model":
        with pytest.raises(ConfigError, match=r"^teacher.output: found nothing for .* set it to 'probabilities' if"):
            load(path, num_classes=2)
    refused(path, r"\[batch, 3\]")


def test_a_logit_is_two_classes(
    build_teacher: Callable[..., keras.Model],
    save_teacher: Callable[[keras.Model, Path], dict[str, Path]],
    tmp_path: Path,
) -> None:
    model = build_teacher(num_classes=1)
    model.layers[-1].bias.assign([-3.0])
    teacher = load(save_teacher(model, tmp_path)["keras"], num_classes=2)
    z = np.array(model(X / 255.0))
    np.testing.assert_allclose(teacher.logits(X), np.concatenate([0 * z, z], axis=1), rtol=1e-5)
    swapped = load(tmp_path / "teacher.keras", num_classes=2, outputs=(1, 0))
    np.testing.assert_allclose(swapped.logits(X), np.concatenate([z, 0 * z], axis=1), rtol=1e-5)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_the_classes_of_the_data_are_chosen_among_the_teachers(
    activation: str | None,
    build_teacher: Callable[..., keras.Model],
    save_teacher: Callable[[keras.Model, Path], dict[str, Path]],
    tmp_path: Path,
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray],
) -> None:
    model = build_teacher(activation, num_classes=7)
    path = save_teacher(model, tmp_path)["keras"]
    refused(path, r"\[batch, 3\]: one for each class; if they are among .* say which output .* in teacher.outputs")
    teacher = load(path, outputs=(5, 0, 6))
    chosen = np.array(model(X / 255.0))[:, [5, 0, 6]]
    if activation:
        np.testing.assert_allclose(teacher.logits(X), np.log(chosen / chosen.sum(axis=1, keepdims=True)), rtol=1e-4)
    else:
        np.testing.assert_allclose(teacher.logits(X), chosen, rtol=1e-5)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), X), teacher.raw_outputs(X), atol=1e-5)
    with pytest.raises(ConfigError, match=r"^teacher.outputs: found output 7, accepted are 0 to 6"):
        load(path, outputs=(5, 0, 7))


def test_names_of_some_of_the_outputs_are_refused_with_their_number(
    build_teacher: Callable[..., keras.Model],
    save_teacher: Callable[[keras.Model, Path], dict[str, Path]],
    tmp_path: Path,
) -> None:
    path = save_teacher(build_teacher(None, num_classes=7), tmp_path)["keras"]
    config = TeacherConfig(uri=str(path), classes=("c", "a", "b"))
    with pytest.raises(ConfigError, match=r"^teacher.uri: .* found outputs of shape \[None, 7\]") as caught:
        load_teacher([path], config, TASK, NUM_CLASSES, ("a", "b", "c"))
    assert "in teacher.outputs: {a: NUMBER, b: NUMBER, ...}, in place of teacher.classes; otherwise" in str(
        caught.value
    )


def test_channels_are_scaled_each_by_itself_and_turned_round(
    build_teacher: Callable[..., keras.Model],
    save_teacher: Callable[[keras.Model, Path], dict[str, Path]],
    tmp_path: Path,
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray],
) -> None:
    task = TaskConfig(input_shape=(4, 4, 3))
    model = build_teacher(shape=(4, 4, 3))
    path = save_teacher(model, tmp_path)["keras"]
    x = np.random.default_rng(3).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    caffe = InputScaling(1.0, (-103.939, -116.779, -123.68), ChannelOrder.BGR)
    teacher = load(path, task=task, input_scaling=caffe)
    wanted = model(keras.applications.resnet50.preprocess_input(x.astype(np.float32)))
    np.testing.assert_allclose(teacher.logits(x), wanted, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), x), wanted, rtol=1e-4, atol=1e-3)
    with pytest.raises(ConfigError, match=r"^teacher.input_scaling.add: found 2 numbers"):
        load(path, task=task, input_scaling=InputScaling(1.0, (1.0, 2.0)))


def test_a_mixed_precision_teacher_becomes_a_float32_litert_file(
    build_teacher: Callable[..., keras.Model],
    save_teacher: Callable[[keras.Model, Path], dict[str, Path]],
    tmp_path: Path,
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray],
) -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = build_teacher()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    paths = save_teacher(model, tmp_path)
    teacher = load(paths["keras"])
    np.testing.assert_allclose(teacher.logits(X), model(X / 255.0), atol=0.02)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), X), teacher.logits(X), atol=1e-5)
    refused(paths["saved_model"], "computes in float16, which LiteRT has no operations for; name its .keras")


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
