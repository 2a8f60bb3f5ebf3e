"""Accuracy while training is that of NumPy, on the held-out split and on the examples kept back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import Precision, StageConfig, StudentConfig, TaskConfig, TeacherConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingData
from learn2compress.students.joint import build_joint_network
from learn2compress.teachers.live import LiveTeacher
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.stored import store_copies
from learn2compress.training.accuracy import HeldOutAccuracy, check_validation_examples


def share_right(logits: Any, labels: Any) -> float:
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def gathered(batches: Any) -> tuple[np.ndarray, np.ndarray]:
    inputs, labels = zip(*((inputs.numpy(), labels.numpy()) for inputs, labels in batches), strict=True)
    return np.concatenate(inputs), np.concatenate(labels)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(5)
    students = (StudentConfig("large", 2), StudentConfig("small", 1))
    return build_joint_network(TaskConfig(), 10, TrainingConfig(stages=(StageConfig(8), StageConfig(16))), students)


def test_each_student_is_measured_as_numpy_does(network: keras.Model, digits_data: Callable[..., TrainingData]) -> None:
    data = digits_data(num_validation=100)
    accuracy = HeldOutAccuracy.of_students(network)
    for measured, batches in (
        (accuracy.measure(data), data.held_out()),
        (accuracy.measure_validation(data), data.validation()),
    ):
        inputs, labels = gathered(batches)
        logits = network(inputs.astype(np.float32) / 255, training=False)
        assert measured == {name: pytest.approx(share_right(logits[name], labels)) for name in ("large", "small")}


@pytest.mark.parametrize("max_examples", [1, 37, 100, 10_000])
def test_the_first_examples_alone_are_measured_where_asked(
    digits_data: Callable[..., TrainingData], max_examples: int
) -> None:
    data = digits_data(num_validation=100)
    # Ten pixels stand for logits.
    accuracy = HeldOutAccuracy(lambda inputs: {"pixels": keras.ops.reshape(inputs, (-1, 64))[:, 20:30]})
    for measured, batches in (
        (accuracy.measure(data, max_examples), data.held_out()),
        (accuracy.measure_validation(data, max_examples), data.validation()),
    ):
        inputs, labels = gathered(batches)
        scores = inputs.reshape(-1, 64)[:max_examples, 20:30]
        assert measured == {"pixels": pytest.approx(share_right(scores, labels[:max_examples]))}


def test_a_teacher_in_bfloat16_is_measured_in_float32(
    network: keras.Model, digits_data: Callable[..., TrainingData], tmp_path: Path
) -> None:
    # Its last class is a thousandth above all others: more digits than bfloat16 has.
    inputs = keras.Input((8, 8, 1))
    scores = keras.layers.Conv2D(10, 1, use_bias=False)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(scores(inputs)))
    scores.set_weights([np.array([1.0] * 9 + [1.001], np.float32).reshape(1, 1, 1, 10)])
    model.save(tmp_path / "t.keras")
    paths = [tmp_path / "t.keras"]
    store_copies(tmp_path, paths, load_teacher(paths, TeacherConfig("t.keras"), TaskConfig(), 10).members)
    teacher = LiveTeacher.load(tmp_path, TaskConfig(), 10, precision=Precision.BFLOAT16)
    data = digits_data()
    assert set(np.argmax(teacher(gathered(data.held_out())[0])[0], axis=1)) == {0}
    share_of_nines = float(np.mean(gathered(data.held_out())[1] == 9))
    accuracy = HeldOutAccuracy.of_students(network, teacher)
    assert accuracy.measure(data)["teacher"] == pytest.approx(share_of_nines)


def test_without_examples_kept_back_there_is_no_accuracy_on_them(
    network: keras.Model, digits_data: Callable[..., TrainingData]
) -> None:
    assert HeldOutAccuracy.of_students(network).measure_validation(digits_data()) == {}


def test_too_few_examples_to_decide_by_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^a\.key: found 49 labelled examples .*validation_ratio, or leave it out$"):
        check_validation_examples(49, "a.key", "leave it out")
    check_validation_examples(50, "a.key", "leave it out")
