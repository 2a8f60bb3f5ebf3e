"""One unit becomes two classes, and chosen outputs the classes of the data."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.config import TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.class_scores import ClassScores, check_outputs

Z = np.array([[-3.0], [0.0], [20.0]], np.float32)


def test_one_unit_becomes_two_probabilities_or_two_logits() -> None:
    p = 1 / (1 + np.exp(-Z))
    np.testing.assert_allclose(ClassScores(TeacherOutput.PROBABILITIES)(p), np.concatenate([1 - p, p], axis=1))
    np.testing.assert_array_equal(ClassScores(TeacherOutput.LOGITS)(Z), np.concatenate([Z * 0, Z], axis=1))


def test_chosen_probabilities_sum_to_one_and_chosen_logits_stay() -> None:
    raw = np.array([[0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]], np.float32)
    chosen = np.array(ClassScores(outputs=(3, 1), are_probabilities=True)(raw))
    np.testing.assert_allclose(chosen, [[2 / 3, 1 / 3], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_array_equal(ClassScores(outputs=(3, 1))(raw), raw[:, [3, 1]])


def test_an_output_that_the_teacher_does_not_have_is_named() -> None:
    check_outputs((4, 0), 5, 2, "teacher.outputs")
    with pytest.raises(ConfigError, match=r"^teacher.outputs: found output 5, accepted are 0 to 4"):
        check_outputs((5, 0), 5, 2, "teacher.outputs")
    with pytest.raises(ConfigError, match=r"^teacher.outputs: found 2 outputs, accepted are 3: one for each class"):
        check_outputs((1, 0), 5, 3, "teacher.outputs")
