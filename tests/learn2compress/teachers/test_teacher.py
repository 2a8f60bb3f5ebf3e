"""What a loaded teacher answers, and that its LiteRT file answers the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from learn2compress.config import (
    InputScaling,
    Precision,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    TeacherOutput,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.outputs import probe_inputs
from learn2compress.teachers.safety import content_sha256
from learn2compress.teachers.teacher import LoadedTeacher

TASK = TaskConfig(input_shape=(4, 4, 1))
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)
NUM_CLASSES = 3
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,))


def load(path: Path, task: TaskConfig = TASK, num_classes: int = NUM_CLASSES, **config: Any) -> LoadedTeacher:
    return load_teacher([path], TeacherConfig(uri=str(path), **config), task, num_classes)


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


def test_the_input_scaling_is_applied(
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray], logits_teachers: dict[str, Path]
) -> None:
    network = keras.saving.load_model(logits_teachers["keras"], compile=False)
    teacher = load(logits_teachers["keras"], input_scaling=InputScaling(1 / 127.5, -1.0))
    expected = network(X.astype(np.float32) / 127.5 - 1.0, training=False).numpy()
    np.testing.assert_allclose(teacher.logits(X), expected, atol=1e-5)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), X), expected, atol=1e-4)


def test_batches_of_every_size_share_one_trace(logits_teachers: dict[str, Path]) -> None:
    teacher = load(logits_teachers["keras"], batch_size=4)
    whole = teacher.logits(X)
    parts = [teacher.logits(X[:1]), teacher.logits(X[1:3]), teacher.logits(X[3:])]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert teacher.logits(X[:0]).shape == (0, NUM_CLASSES)
    assert teacher._run(Precision.FLOAT32).experimental_get_tracing_count() == 1


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_the_litert_file_answers_like_the_teacher(
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray], softmax_teachers: dict[str, Path], kind: str
) -> None:
    teacher = load(softmax_teachers[kind])
    np.testing.assert_allclose(run_litert(teacher.to_litert(), X), teacher.raw_outputs(X), atol=1e-5)


def test_small_probabilities_are_clipped(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.add(keras.layers.Softmax())
    model.layers[1].set_weights([np.zeros((16, 3)), np.array([100.0, 0.0, 0.0])])
    model.save(tmp_path / "t.keras")
    teacher = load(tmp_path / "t.keras")
    np.testing.assert_allclose(teacher.logits(X)[0], [0.0, np.log(1e-7), np.log(1e-7)], rtol=1e-5)


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


def test_batch_of_one_and_open_sizes_are_accepted(
    save_function: Callable[..., Path], run_litert: Callable[[bytes | None, np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    one = save_function(lambda x: x[:, 0, :3, 0] * 9 - 1, tmp_path / "one", tf.TensorSpec([1, 4, 4, 1], tf.float32))
    open_size = save_function(
        lambda x: tf.reduce_mean(x, [1, 2]) * [[9.0, -9.0, 1.0]],
        tmp_path / "open",
        tf.TensorSpec([None, None, None, 1], tf.float32),
    )
    np.testing.assert_allclose(load(one).logits(X), X[:, 0, :3, 0] / 255.0 * 9 - 1, atol=1e-5)
    teacher = load(open_size)
    np.testing.assert_allclose(teacher.logits(X)[:, 0], X.mean(axis=(1, 2, 3)) / 255.0 * 9, atol=1e-4)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), X), teacher.logits(X), atol=1e-4)


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
    with pytest.raises(ConfigError, match=r"^teacher.uri: .* string input"):
        load(tmp_path / "t.keras")


def test_a_text_teacher_takes_features(
    run_litert: Callable[[bytes | None, np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    keras.Sequential([keras.Input((16,)), keras.layers.Dense(3)]).save(tmp_path / "t.keras")
    teacher = load(tmp_path / "t.keras", task=TEXT)
    x, texts = probe_inputs(TEXT)
    assert teacher.logits(x, texts).shape == (8, 3)
    np.testing.assert_allclose(run_litert(teacher.to_litert(), x), teacher.logits(x), atol=1e-5)


def test_another_teacher_than_the_runs_is_refused(logits_teachers: dict[str, Path]) -> None:
    teacher = load(logits_teachers["keras"])
    teacher.check_content(teacher.content_sha256)
    with pytest.raises(ConfigError, match=r"^teacher.uri: .* has SHA-256 .*, but the run was started with"):
        teacher.check_content("feed")


@pytest.fixture(scope="module")
def digits_teacher(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A convolutional teacher of digits that was trained a little, and the images."""
    digits = load_digits()
    images = (digits.images * 15).astype(np.uint8)[..., None]
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 1))
    x = inputs
    for _ in range(2):
        x = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D()(x))
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images / 255.0, digits.target, batch_size=64, epochs=3, verbose=0)
    path = tmp_path_factory.mktemp("digits") / "teacher.keras"
    model.save(path)
    return path, images


def test_bfloat16_gives_nearly_the_same_logits_and_the_same_ones_twice(
    digits_teacher: tuple[Path, np.ndarray],
) -> None:
    path, images = digits_teacher
    first, again = (load(path, TaskConfig(), 10, precision=Precision.BFLOAT16) for _ in range(2))
    exact, rough = first.logits(images), first.logits(images, precision=Precision.BFLOAT16)
    np.testing.assert_array_equal(exact, load(path, TaskConfig(), 10).logits(images))
    assert rough.dtype == np.float32
    assert 0.0 < np.abs(rough - exact).max() < 0.02 * np.abs(exact).max()
    assert np.mean(rough.argmax(axis=1) == exact.argmax(axis=1)) > 0.995
    np.testing.assert_array_equal(again.logits(images, precision=Precision.BFLOAT16), rough)


def test_the_yardstick_of_a_bfloat16_teacher_is_float32(digits_teacher: tuple[Path, np.ndarray]) -> None:
    path, images = digits_teacher
    rough = load(path, TaskConfig(), 10, precision=Precision.BFLOAT16)
    rough.logits(images[:4], precision=Precision.BFLOAT16)
    assert rough.to_litert() == load(path, TaskConfig(), 10).to_litert()
