"""The losses, against NumPy and against what their papers promise."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import DistillationConfig, DistillationLoss
from learn2compress.training.losses import (
    cross_entropy,
    decoupled_loss,
    exits_mean,
    hint_loss,
    standardized_logits_loss,
    student_loss,
    temperature_loss,
    top_1,
)

RANDOM = np.random.default_rng(0)
STUDENT = RANDOM.normal(size=(6, 5)).astype(np.float32)
TEACHER = RANDOM.normal(size=(6, 5)).astype(np.float32)
LABELS = np.array([0, 1, 2, 3, 4, 0])
TARGETS = np.eye(5, dtype=np.float32)[LABELS]


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def divergence(target: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.sum(target * (np.log(target) - np.log(found)), axis=-1)


def without(probabilities: np.ndarray, label: int) -> np.ndarray:
    others = np.delete(probabilities, label)
    return others / others.sum()


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


def test_decoupled_loss_is_two_divergences_of_the_target_class_and_of_the_others() -> None:
    temperature, weight = 4.0, 8.0
    found = decoupled_loss(TARGETS, STUDENT, TEACHER, temperature, weight)
    for row, label in enumerate(LABELS):
        student, teacher = softmax(STUDENT[row] / temperature), softmax(TEACHER[row] / temperature)
        target = divergence(*(np.array([p[label], 1.0 - p[label]]) for p in (teacher, student)))
        others = divergence(without(teacher, label), without(student, label))
        assert float(found[row]) == pytest.approx((target + weight * others) * temperature**2, rel=1e-3)


def test_decoupled_loss_with_the_paper_s_own_weights_is_the_plain_divergence() -> None:
    # The plain divergence weighs the others by 1 - p(target) (equation 8); one example has one such weight.
    teacher = softmax(TEACHER)
    for row, label in enumerate(LABELS):
        found = decoupled_loss(TARGETS, STUDENT, TEACHER, 1.0, 1.0 - teacher[row, label])[row]
        assert float(found) == pytest.approx(float(temperature_loss(STUDENT, TEACHER, 1.0)[row]), rel=1e-3)


def test_without_a_label_the_teacher_s_first_choice_is_the_target_class() -> None:
    chosen = np.eye(5, dtype=np.float32)[TEACHER.argmax(axis=-1)]
    expected = decoupled_loss(chosen, STUDENT, TEACHER, 2.0, 8.0)
    np.testing.assert_allclose(decoupled_loss(np.zeros_like(TARGETS), STUDENT, TEACHER, 2.0, 8.0), expected)


def test_label_smoothing_mixes_in_the_uniform_distribution() -> None:
    plain, uniform = cross_entropy(TARGETS, STUDENT), cross_entropy(np.full_like(TARGETS, 0.2), STUDENT)
    expected = 0.9 * np.asarray(plain) + 0.1 * np.asarray(uniform)
    np.testing.assert_allclose(cross_entropy(TARGETS, STUDENT, 0.1), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", list(DistillationLoss))
def test_weights_decide_between_labels_and_teacher(loss: DistillationLoss) -> None:
    labels_alone = DistillationConfig(loss=loss, weight=0.0, label_weight=1.0)
    expected = -np.log(softmax(STUDENT)[np.arange(6), LABELS]).mean()
    np.testing.assert_allclose(student_loss(TARGETS, STUDENT, TEACHER, labels_alone), expected, rtol=1e-4)
    teacher_alone = DistillationConfig(loss=loss, weight=1.0, label_weight=0.0)
    np.testing.assert_allclose(student_loss(TARGETS, TEACHER, TEACHER, teacher_alone), 0.0, atol=1e-5)


def test_unlabelled_examples_learn_from_the_teacher_alone() -> None:
    config = DistillationConfig()
    unlabelled = TARGETS.copy()
    unlabelled[3:] = 0.0
    labelled_part = student_loss(TARGETS[:3], STUDENT[:3], TEACHER[:3], DistillationConfig(weight=0.0))
    teacher_part = student_loss(TARGETS, STUDENT, TEACHER, DistillationConfig(label_weight=0.0))
    found = student_loss(unlabelled, STUDENT, TEACHER, config)
    assert float(found) == pytest.approx(float(labelled_part) + float(teacher_part), rel=1e-5)
    assert np.isfinite(student_loss(np.zeros_like(TARGETS), STUDENT, TEACHER, config))


def test_smaller_students_follow_the_largest_without_pulling_it() -> None:
    config = DistillationConfig(weight=0.0, label_weight=0.0, largest_weight=2.0)
    small, large = tf.Variable(STUDENT), tf.Variable(TEACHER)
    with tf.GradientTape() as tape:
        loss = student_loss(TARGETS, small, STUDENT, config, large)
    towards_small, towards_large = tape.gradient(loss, [small, large])
    assert float(loss) > 0.0
    assert np.abs(towards_small).max() > 0.0
    assert towards_large is None


EXITS = RANDOM.normal(size=(6, 5)).astype(np.float32)


@pytest.mark.parametrize("loss", list(DistillationLoss))
def test_the_exits_take_a_share_of_the_teachers_part_without_being_pulled(loss: DistillationLoss) -> None:
    config = DistillationConfig(loss=loss, weight=3.0, label_weight=0.0, exits_weight=0.25)
    teacher_alone = DistillationConfig(loss=loss, weight=3.0, label_weight=0.0)
    by_teacher, by_exits = (student_loss(TARGETS, STUDENT, logits, teacher_alone) for logits in (TEACHER, EXITS))
    exits = tf.Variable(EXITS)
    with tf.GradientTape() as tape:
        found = student_loss(TARGETS, tf.constant(STUDENT), TEACHER, config, exits_logits=exits)
    assert float(found) == pytest.approx(0.75 * float(by_teacher) + 0.25 * float(by_exits), rel=1e-5)
    assert tape.gradient(found, exits) is None
    # A student that trains alone has no other exit, and the whole of the teacher.
    assert float(student_loss(TARGETS, STUDENT, TEACHER, config)) == pytest.approx(float(by_teacher))


def test_the_gradient_of_the_exits_share_is_that_of_the_mixture() -> None:
    config = DistillationConfig(DistillationLoss.TEMPERATURE, 2.0, weight=1.0, label_weight=0.0, exits_weight=0.25)
    mixture = np.log(0.75 * softmax(TEACHER / 2.0) + 0.25 * softmax(EXITS / 2.0)) * 2.0
    gradients = []
    for teacher, exits in ((TEACHER, EXITS), (mixture, None)):
        student = tf.Variable(STUDENT)
        with tf.GradientTape() as tape:
            loss = student_loss(TARGETS, student, teacher, config, exits_logits=exits)
        gradients.append(tape.gradient(loss, student).numpy())
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-6)


def test_the_exits_are_the_mean_of_logits_of_more_than_one() -> None:
    np.testing.assert_allclose(exits_mean([STUDENT, EXITS]), (STUDENT + EXITS) / 2.0, rtol=1e-6)
    assert exits_mean([STUDENT]) is None


def test_no_gradient_reaches_the_teacher() -> None:
    teacher = tf.Variable(TEACHER)
    for loss in DistillationLoss:
        with tf.GradientTape() as tape:
            total = student_loss(TARGETS, tf.constant(STUDENT), teacher, DistillationConfig(loss=loss))
        assert tape.gradient(total, teacher) is None


def test_hints_compare_directions() -> None:
    features = keras.ops.convert_to_tensor(TEACHER)
    np.testing.assert_allclose(hint_loss(features * 3.0, features), 0.0, atol=1e-6)
    np.testing.assert_allclose(hint_loss(-features, features), 4.0, rtol=1e-5)
    assert np.all(np.isfinite(hint_loss(features * 0.0, features)))


def test_top_1_counts_hits() -> None:
    logits = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], np.float32)
    assert int(top_1(logits, np.array([1, 1, 1]))) == 2
