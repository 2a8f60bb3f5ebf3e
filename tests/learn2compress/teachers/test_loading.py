from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from learn2compress.config import InputScaling, TaskConfig, TaskKind, TeacherConfig, TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.outputs import probe_inputs, tell_output
from learn2compress.teachers.safety import UnsafeTeacherError, content_sha256
from learn2compress.teachers.teacher import LoadedTeacher

TASK = TaskConfig(input_shape=(4, 4, 1))
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,))
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)
NUM_CLASSES = 3


def load(path: Path, task: TaskConfig = TASK, num_classes: int = NUM_CLASSES, **config: Any) -> LoadedTeacher:
    return load_teacher([path], TeacherConfig(uri=str(path), **config), task, num_classes)


def refused(path: Path, what: str, **arguments: Any) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        load(path, **arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("teacher.")


def run_litert(content: bytes, x: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert inputs["dtype"] == outputs["dtype"] == np.float32
    assert list(inputs["shape"]) == [1, *x.shape[1:]]
    rows = []
    for example in x:
        interpreter.set_tensor(inputs["index"], example[np.newaxis].astype(np.float32))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(outputs["index"])[0])
    return np.stack(rows)


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_every_format_gives_the_same_logits(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path], kind: str
) -> None:
    network = keras.saving.load_model(logits_teachers["keras"], compile=False)
    expected = network(X.astype(np.float32) / 255.0, training=False).numpy()
    teacher = load(logits_teachers[kind], batch_size=3)
    assert teacher.output is TeacherOutput.LOGITS
    assert teacher.logits(X).dtype == np.float32
    np.testing.assert_allclose(teacher.logits(X), expected, atol=1e-5)
    assert teacher.num_parameters == network.count_params()
    assert teacher.content_sha256 == content_sha256(logits_teachers[kind])

    softmax = load(softmax_teachers[kind], batch_size=3)
    assert softmax.output is TeacherOutput.PROBABILITIES
    # Softmax forgets a constant in each row and nothing else.
    difference = softmax.logits(X) - expected
    np.testing.assert_allclose(difference, difference[:, :1].repeat(NUM_CLASSES, axis=1), atol=1e-4)


def test_the_input_scaling_is_applied(logits_teachers: dict[str, Path]) -> None:
    network = keras.saving.load_model(logits_teachers["keras"], compile=False)
    teacher = load(logits_teachers["keras"], input_scaling=InputScaling(1 / 127.5, -1.0))
    expected = network(X.astype(np.float32) / 127.5 - 1.0, training=False).numpy()
    np.testing.assert_allclose(teacher.logits(X), expected, atol=1e-5)
    np.testing.assert_allclose(run_litert(teacher.to_litert() or b"", X), expected, atol=1e-4)


def test_batches_of_every_size_share_one_trace(logits_teachers: dict[str, Path]) -> None:
    teacher = load(logits_teachers["keras"], batch_size=4)
    whole = teacher.logits(X)
    parts = [teacher.logits(X[:1]), teacher.logits(X[1:3]), teacher.logits(X[3:])]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert teacher.logits(X[:0]).shape == (0, NUM_CLASSES)
    assert teacher._run.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_the_litert_file_answers_like_the_teacher(softmax_teachers: dict[str, Path], kind: str) -> None:
    teacher = load(softmax_teachers[kind])
    np.testing.assert_allclose(run_litert(teacher.to_litert() or b"", X), teacher.raw_outputs(X), atol=1e-5)


def test_the_name_of_a_file_does_not_matter(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    for kind, name in (("keras", "a.h5"), ("h5", "b.keras")):
        shutil.copy(logits_teachers[kind], tmp_path / name)
        assert load(tmp_path / name).output is TeacherOutput.LOGITS


def test_small_probabilities_are_clipped(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.add(keras.layers.Softmax())
    model.layers[1].set_weights([np.zeros((16, 3)), np.array([100.0, 0.0, 0.0])])
    model.save(tmp_path / "t.keras")
    teacher = load(tmp_path / "t.keras")
    np.testing.assert_allclose(teacher.logits(X)[0], [0.0, np.log(1e-7), np.log(1e-7)], rtol=1e-5)


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


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, kind: str, bad: float) -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, name="scores")])
    kernel, bias = model.layers[1].get_weights()
    kernel[2, 1] = bad
    model.layers[1].set_weights([kernel, bias])
    path = tmp_path / f"teacher.{kind}"
    if kind == "saved_model":
        model.export(path, verbose=False)
    else:
        saved = tmp_path / f"teacher.{kind}"
        model.save(saved)
    refused(path, "NaN or infinity in weight.*kernel")


def test_a_sigmoid_teacher_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Dense(3, activation="sigmoid")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Reshape((3,))(x))
    model.save(tmp_path / "t.keras")
    model.export(tmp_path / "t", verbose=False)
    refused(tmp_path / "t.keras", "multi-label sigmoid")
    refused(tmp_path / "t", "multi-label")
    assert load(tmp_path / "t", output=TeacherOutput.LOGITS).output is TeacherOutput.LOGITS


@pytest.mark.parametrize(
    ("raw", "activation", "expected"),
    [
        ([[0.2, 0.8], [0.5, 0.5]], None, TeacherOutput.PROBABILITIES),
        ([[0.2, 0.8009], [0.5, 0.5]], None, TeacherOutput.PROBABILITIES),
        ([[0.2, 0.8], [0.5, 1.5]], None, TeacherOutput.LOGITS),
        ([[-0.2, 1.2], [0.5, 0.5]], None, TeacherOutput.LOGITS),
        ([[0.2, 0.8], [0.5, 0.5]], "linear", TeacherOutput.LOGITS),
        ([[0.2, 0.8], [0.5, 0.5]], "softmax", TeacherOutput.PROBABILITIES),
        ([[-0.2, -0.8], [-0.5, -0.5]], "log_softmax", TeacherOutput.LOGITS),
    ],
)
def test_logits_and_probabilities_are_told_apart(
    raw: list[list[float]], activation: str | None, expected: TeacherOutput
) -> None:
    assert tell_output(np.array(raw, np.float32), activation, None, "teacher") is expected


def test_outputs_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ConfigError, match="NaN or infinite outputs"):
        tell_output(np.array([[np.nan, 1.0]], np.float32), "softmax", None, "teacher")


def test_nan_outputs_of_real_examples_are_refused(tmp_path: Path) -> None:
    # Finite on the probe inputs; the logarithm of a negative number on the one example.
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    x = keras.ops.log(keras.ops.abs(flat[:, :1] - 77.0)) + keras.layers.Dense(3)(flat)
    keras.Model(inputs, x).save(tmp_path / "t.keras")
    teacher = load(tmp_path / "t.keras", input_scaling=InputScaling(1.0, 0.0))
    example = np.zeros((2, 4, 4, 1), np.uint8)
    example[1, 0, 0, 0] = 77
    with pytest.raises(ConfigError, match="1 of 2 examples"):
        teacher.logits(example)


def save_signature(body: Callable[..., Any], folder: Path, *specs: tf.TensorSpec) -> Path:
    function = tf.function(body, input_signature=list(specs))
    module = tf.Module()
    module.serve = function
    tf.saved_model.save(module, str(folder), signatures=function)
    return folder


def test_signatures_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    image = tf.TensorSpec([None, 4, 4, 1], tf.float32, name="image")
    other = tf.TensorSpec([None], tf.float32, name="other")
    two_outputs = save_signature(lambda x: {"boxes": x[:, 0, :3, 0], "scores": x[:, 1, :3, 0]}, tmp_path / "a", image)
    refused(two_outputs, r"2 outputs of serving_default \(boxes, scores\)")
    two_inputs = save_signature(lambda x, y: x[:, 0, :3, 0] + y[:, None], tmp_path / "b", image, other)
    refused(two_inputs, "2 inputs of serving_default")
    fixed = save_signature(lambda x: x[:, 0, :3, 0], tmp_path / "c", tf.TensorSpec([8, 4, 4, 1], tf.float32))
    refused(fixed, "batch dimension of 8")
    integers = save_signature(
        lambda x: tf.cast(x[:, 0, :3, 0], tf.float32), tmp_path / "d", tf.TensorSpec([None, 4, 4, 1], tf.int32)
    )
    refused(integers, "int32")
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "e"))
    refused(tmp_path / "e", "signatures none")


def test_batch_of_one_and_open_sizes_are_accepted(tmp_path: Path) -> None:
    one = save_signature(lambda x: x[:, 0, :3, 0] * 9 - 1, tmp_path / "one", tf.TensorSpec([1, 4, 4, 1], tf.float32))
    open_size = save_signature(
        lambda x: tf.reduce_mean(x, [1, 2]) * [[9.0, -9.0, 1.0]],
        tmp_path / "open",
        tf.TensorSpec([None, None, None, 1], tf.float32),
    )
    np.testing.assert_allclose(load(one).logits(X), X[:, 0, :3, 0] / 255.0 * 9 - 1, atol=1e-5)
    teacher = load(open_size)
    np.testing.assert_allclose(teacher.logits(X)[:, 0], X.mean(axis=(1, 2, 3)) / 255.0 * 9, atol=1e-4)
    np.testing.assert_allclose(run_litert(teacher.to_litert() or b"", X), teacher.logits(X), atol=1e-4)


def test_an_operation_without_litert_is_named(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    keras.Model(inputs, keras.ops.erfinv(keras.ops.tanh(x) * 0.5)).save(tmp_path / "t.keras")
    with pytest.raises(ConfigError, match="Erfinv") as caught:
        load(tmp_path / "t.keras").to_litert()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_text_teacher_takes_strings(tmp_path: Path, shape: tuple[int, ...]) -> None:
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=5, vocabulary=["yes", "no"])
    inputs = keras.Input(shape, dtype="string")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(20, 4)(words(inputs)))
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    model.save(tmp_path / "t.keras")
    model.export(tmp_path / "t", verbose=False)
    x_bytes = np.zeros((2, 16), np.uint8)
    texts = [b"yes", "nó".encode()]
    loaded = [load(tmp_path / name, task=TEXT, batch_size=1) for name in ("t.keras", "t")]
    assert all(teacher.takes_text for teacher in loaded)
    np.testing.assert_allclose(loaded[0].logits(x_bytes, texts), loaded[1].logits(x_bytes, texts), atol=1e-6)
    assert not np.allclose(*loaded[0].logits(x_bytes, texts))
    assert loaded[0].to_litert() is None
    with pytest.raises(ValueError, match="accepted are 2"):
        loaded[0].logits(x_bytes)
    refused(tmp_path / "t.keras", "string input")


def test_a_text_teacher_takes_features(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((16,)), keras.layers.Dense(3)]).save(tmp_path / "t.keras")
    teacher = load(tmp_path / "t.keras", task=TEXT)
    x, texts = probe_inputs(TEXT)
    assert teacher.logits(x, texts).shape == (8, 3)
    np.testing.assert_allclose(run_litert(teacher.to_litert() or b"", x), teacher.logits(x), atol=1e-5)


def test_an_unsafe_teacher_is_refused_before_loading(tmp_path: Path) -> None:
    layer = keras.layers.Lambda(lambda x: x, output_shape=(3,))
    keras.Sequential([keras.Input((16,)), keras.layers.Dense(3), layer]).save(tmp_path / "t.keras")
    with pytest.raises(UnsafeTeacherError, match="Lambda"):
        load(tmp_path / "t.keras", task=TEXT)


def test_weights_that_do_not_fit_their_configuration_are_refused(tmp_path: Path) -> None:
    for name, units in (("a", 3), ("b", 4)):
        keras.Sequential([keras.Input((16,)), keras.layers.Dense(units)]).save(tmp_path / f"{name}.keras")
    with (
        zipfile.ZipFile(tmp_path / "a.keras") as a,
        zipfile.ZipFile(tmp_path / "b.keras") as b,
        zipfile.ZipFile(tmp_path / "c.keras", "w") as mixed,
    ):
        for source, name in ((a, "config.json"), (a, "metadata.json"), (b, "model.weights.h5")):
            mixed.writestr(name, source.read(name))
    refused(tmp_path / "c.keras", "can't be loaded", task=TEXT)
