"""The losses, against NumPy and against what their papers promise."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.config import DistillationConfig, DistillationLoss
from learn2compress.distillation import standardized_logits_loss, student_loss, temperature_loss, top_1

RANDOM = np.random.default_rng(0)
STUDENT = RANDOM.normal(size=(6, 5)).astype(np.float32)
TEACHER = RANDOM.normal(size=(6, 5)).astype(np.float32)
LABELS = np.array([0, 1, 2, 3, 4, 0])


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def divergence(target: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.sum(target * (np.log(target) - np.log(found)), axis=-1)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_temperature_loss_is_a_scaled_divergence(temperature: float) -> None:
    expected = divergence(softmax(TEACHER / temperature), softmax(STUDENT / temperature)) * temperature**2
    np.testing.assert_allclose(temperature_loss(STUDENT, TEACHER, temperature), expected, rtol=1e-4)


def test_log_probabilities_serve_as_logits() -> None:
    from_logits = temperature_loss(STUDENT, TEACHER, 2.0)
    np.testing.assert_allclose(temperature_loss(STUDENT, np.log(softmax(TEACHER)), 2.0), from_logits, rtol=1e-4)


def test_standardized_loss_ignores_scale_and_offset() -> None:
    np.testing.assert_allclose(standardized_logits_loss(TEACHER * 7.0 + 3.0, TEACHER, 2.0), 0.0, atol=1e-5)
    assert np.all(np.asarray(temperature_loss(TEACHER * 7.0 + 3.0, TEACHER, 2.0)) > 1e-3)


def test_constant_logits_give_a_finite_loss() -> None:
    assert np.all(np.isfinite(standardized_logits_loss(np.ones((2, 5), np.float32), TEACHER[:2], 2.0)))


@pytest.mark.parametrize("loss", list(DistillationLoss))
def test_weights_decide_between_labels_and_teacher(loss: DistillationLoss) -> None:
    labels_alone = DistillationConfig(loss=loss, weight=0.0, label_weight=1.0)
    cross_entropy = -np.log(softmax(STUDENT)[np.arange(6), LABELS]).mean()
    np.testing.assert_allclose(student_loss(LABELS, STUDENT, TEACHER, labels_alone), cross_entropy, rtol=1e-4)
    teacher_alone = DistillationConfig(loss=loss, weight=1.0, label_weight=0.0)
    np.testing.assert_allclose(student_loss(LABELS, TEACHER, TEACHER, teacher_alone), 0.0, atol=1e-5)


def test_top_1_counts_hits() -> None:
    logits = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], np.float32)
    assert int(top_1(logits, np.array([1, 1, 1]))) == 2
