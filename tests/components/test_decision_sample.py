"""Decisions go by the examples that were kept back from training, and say so where these were too few."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components.decision_sample import decision_sample, note_on_decision, student_top_1
from learn2compress.quantization.choice_sample import TrainingSample


def sample(num_examples: int, num_kept_back: int) -> TrainingSample:
    inputs = np.arange(num_examples, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return TrainingSample(inputs, np.zeros(num_examples, np.int64), num_kept_back)


@pytest.mark.parametrize(("num_kept_back", "expected"), [(0, 100), (49, 100), (50, 50), (80, 80)])
def test_at_least_50_kept_back_decide_alone(num_kept_back: int, expected: int) -> None:
    decided_by = decision_sample(sample(100, num_kept_back))
    assert len(decided_by.labels) == expected
    assert decided_by.inputs[:, 0, 0, 0].tolist() == list(range(expected))
    note = note_on_decision(decided_by)
    assert (note is None) == (num_kept_back >= 50)
    assert note is None or f"by 100 training examples of which {num_kept_back} were kept back" in note


def test_a_students_accuracy_is_that_of_its_highest_logit() -> None:
    inputs = keras.Input((1, 1, 1))
    student = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    # Class 1 from the brightness of 10 on.
    student.set_weights([np.array([[0.0, 255.0]], np.float32), np.array([9.5, 0.0], np.float32)])
    assert student_top_1(student, sample(40, 0)) == 0.25
