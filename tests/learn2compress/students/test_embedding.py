"""Students with a table of hashed words read words in their order, and become files of integers alone."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TaskKind, TextFeatures, TrainingConfig
from learn2compress.data.text_features import hashed_words
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import float_operators
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.students.joint import build_joint_network, standalone_student

TASK = TaskConfig(TaskKind.TEXT, (16,), TextFeatures.HASHED_WORDS)
# The same words on both sides: only their order tells them apart.
TEXTS = [
    (f"{filler} {pair}", label) for label, pair in enumerate(("do you", "you do")) for filler in "abcdefghijklmnop"
]


def as_float(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    return x.astype(np.float32) / np.float32(255)


@pytest.fixture(scope="module")
def examples() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    inputs = np.stack([hashed_words(text, 16) for text, _ in TEXTS])
    return inputs, np.array([label for _, label in TEXTS])


@pytest.fixture(scope="module")
def student(examples: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> keras.Model:
    """Trained to tell the two orders apart."""
    keras.utils.set_random_seed(3)
    training = TrainingConfig(architecture="embedding", stages=(StageConfig(9, 1), StageConfig(12, 1)))
    network = build_joint_network(TASK, 2, training, [StudentConfig("large", 2), StudentConfig("small", 1)])
    trained = standalone_student(network, "large")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trained.compile(keras.optimizers.Adam(0.02), loss)
    inputs, labels = examples
    trained.fit(as_float(inputs), labels, epochs=30, batch_size=16, verbose=0)
    return trained


def test_the_student_reads_words_in_their_order(
    student: keras.Model, examples: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    inputs, labels = examples
    assert (student.predict(as_float(inputs), verbose=0).argmax(axis=1) == labels).all()


def test_a_saved_student_is_read_again(student: keras.Model, tmp_path: Path) -> None:
    student.save(tmp_path / "student.keras")
    read = keras.saving.load_model(tmp_path / "student.keras", compile=False, safe_mode=True)
    inputs = as_float(np.stack([hashed_words("one more text", 16)]))
    np.testing.assert_array_equal(read.predict(inputs, verbose=0), student.predict(inputs, verbose=0))


def test_the_file_is_integers_alone_and_computes_the_same(
    student: keras.Model, examples: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    inputs, labels = examples
    network = quantization_aware(student)
    for _ in range(40):
        network(as_float(inputs), training=True)
    model = to_int8_litert(network).pack()
    assert float_operators(model) == []
    scores = predict(model, inputs)
    simulated = keras.ops.convert_to_numpy(keras.ops.softmax(network(as_float(inputs), training=False)))
    np.testing.assert_allclose(scores, simulated, atol=0.02)
    assert (scores.argmax(axis=1) == labels).all()
