from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest  # type: ignore[import-untyped]

from learn2compress.config import Corruption
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.accuracy import (
    NUM_BINS,
    accuracy_of,
    calibration_of,
    corruption_accuracies,
    paired_drop,
    slice_accuracies,
    wilson_interval,
)
from learn2compress.litert.predictions import Predictions, PredictionSettings, predictions_from_scores
from learn2compress.results.reports import Accuracy

NAMES = ("a", "b", "c", "d")
SCORES = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],  # a
        [0.4, 0.3, 0.2, 0.1],  # b, second
        [0.4, 0.3, 0.3, 0.0],  # c, third: b has the same score and stands before it
        [0.5, 0.2, 0.2, 0.1],  # b, second
        [0.1, 0.2, 0.6, 0.1],  # c
    ],
    np.float32,
)
LABELS = np.array([0, 1, 2, 1, 2])


def predictions_of(scores: npt.NDArray[Any] = SCORES, labels: npt.NDArray[Any] = LABELS, k: int = 2) -> Predictions:
    return predictions_from_scores(scores, labels, PredictionSettings(4, k))


def accuracy(k: int, scores: npt.NDArray[Any] = SCORES, labels: npt.NDArray[Any] = LABELS) -> Accuracy:
    return accuracy_of(predictions_of(scores, labels, k), NAMES, k)


def test_figures_by_hand() -> None:
    found = accuracy(k=2)

    assert found.num_examples == 5
    assert found.top_1 == pytest.approx(2 / 5)
    assert found.top_k == pytest.approx(4 / 5)
    assert found.confusion_matrix == ((1, 0, 0, 0), (2, 0, 0, 0), (1, 0, 1, 0), (0, 0, 0, 0))
    assert [result.num_examples for result in found.per_class] == [1, 2, 2, 0]
    assert [result.recall for result in found.per_class] == [1.0, 0.0, 0.5, None]
    assert [result.precision for result in found.per_class] == [0.25, None, 1.0, None]
    assert [result.label for result in found.per_class] == list(NAMES)


def test_equal_scores_rank_by_index() -> None:
    found = accuracy(3, np.full((4, 4), 0.25), np.arange(4))

    assert found.top_1 == 0.25  # class 0 alone, as argmax says
    assert found.top_k == 0.75


def test_top_k_is_left_out_where_there_are_no_more_than_k_classes() -> None:
    assert accuracy(k=4).top_k is None
    assert accuracy(k=3).top_k == 1.0


@pytest.mark.parametrize(("correct", "n"), [(81, 263), (0, 10), (10, 10), (1, 1), (9871, 10000)])
def test_wilson_interval_is_scipys(correct: int, n: int) -> None:
    reference = binomtest(correct, n).proportion_ci(0.95, method="wilson")

    assert wilson_interval(correct, n) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_calibration_error_by_hand() -> None:
    # Confidences 0.7 (right), 0.4 (wrong), 0.4 (wrong), 0.5 (wrong), 0.6 (right): bins 10, 6, 6, 7 and 9 from 0,
    # as 0.4 and 0.6 are a little more in single precision.
    found = calibration_of(predictions_of())

    assert found.expected_error == pytest.approx((0.3 + 2 * 0.4 + 0.5 + 0.4) / 5)
    assert len(found.bins) == NUM_BINS
    assert [index for index, one in enumerate(found.bins) if one.num_examples] == [6, 7, 9, 10]
    assert (found.bins[6].num_examples, found.bins[6].accuracy) == (2, 0.0)
    assert found.bins[6].confidence == pytest.approx(0.4)
    assert (found.bins[0].confidence, found.bins[0].accuracy) == (None, None)


def test_scores_that_are_right_as_often_as_they_say_have_no_calibration_error() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.3, 1, 200_000)
    labels = np.where(random.random(len(confidence)) < confidence, 0, 1)
    scores = np.stack([confidence, *([(1 - confidence) / 3] * 3)], axis=1)

    assert calibration_of(predictions_of(scores, labels)).expected_error < 0.005
    assert calibration_of(predictions_of(scores, np.zeros_like(labels))).expected_error == pytest.approx(
        0.35, abs=0.005
    )


def test_the_ends_are_inside() -> None:
    scores = np.array([[0.3, 0, 0, 0], [0.0, 0.0, 0.0, 0.0], [1.0, 0, 0, 0]], np.float64)
    bins = calibration_of(predictions_of(scores, np.zeros(3, np.int64))).bins

    assert [index for index, one in enumerate(bins) if one.num_examples] == [0, 4, 14]


def test_logits_are_calibrated_as_the_probabilities_they_stand_for() -> None:
    logits = np.log(SCORES + 1e-3) * 1.0 + 7
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    ours = predictions_from_scores(logits, LABELS, PredictionSettings(4, 2, gives_logits=True))

    np.testing.assert_allclose(ours.confidence, probabilities.max(axis=1), rtol=1e-6)


def test_slices_by_hand() -> None:
    sliced = dataclasses.replace(predictions_of(), slices=np.array(["x", "y", "x", "y", "y"]))

    found = slice_accuracies(sliced)

    assert [(one.name, one.num_examples, one.top_1) for one in found] == [("x", 2, 0.5), ("y", 3, pytest.approx(1 / 3))]
    assert (found[0].top_1_low, found[0].top_1_high) == wilson_interval(1, 2)
    assert slice_accuracies(predictions_of()) == ()


def test_too_many_slices_are_refused() -> None:
    many = dataclasses.replace(
        predictions_of(np.tile(SCORES, (21, 1)), np.tile(LABELS, 21)), slices=np.array([str(i) for i in range(105)])
    )
    with pytest.raises(ConfigError, match=r"evaluate.slice_by: found 105 slices, such as '0', accepted are 100 at"):
        slice_accuracies(many)


def test_corruptions_keep_their_order() -> None:
    correct = np.zeros((5, 6), np.bool_)
    correct[:4, 0] = correct[:1, 5] = True
    found = corruption_accuracies(
        dataclasses.replace(predictions_of(), corrupted_correct=correct), (Corruption.CONTRAST, Corruption.BRIGHTNESS)
    )

    assert [(one.corruption, one.severity) for one in found] == [
        (kind, severity) for kind in ("contrast", "brightness") for severity in (1, 3, 5)
    ]
    assert [one.top_1 for one in found] == [0.8, 0, 0, 0, 0, 0.2]


def test_a_paired_drop_counts_what_tells_the_two_apart() -> None:
    teacher = np.array([True] * 90 + [False] * 10)
    student = np.array([True] * 84 + [False] * 6 + [True] * 2 + [False] * 8)

    found = paired_drop(teacher, student)

    assert (found.num_examples, found.num_teacher_only, found.num_student_only) == (100, 6, 2)
    assert found.drop == pytest.approx(0.04)
    # (7 - 3) / 102, and 1.96 standard errors of it, by hand.
    assert (found.low, found.high) == pytest.approx((-0.021070, 0.099501), abs=1e-5)


def test_the_paired_interval_is_narrower_than_that_of_two_splits_and_covers_the_truth() -> None:
    random = np.random.default_rng(5)
    covered, runs = 0, 2000
    for _ in range(runs):
        drawn = random.random(400)
        teacher, student = drawn < 0.93, (drawn > 0.05) & (drawn < 0.95)  # 0.93 and 0.90: a drop of 0.03
        found = paired_drop(teacher, student)
        covered += found.low <= 0.03 <= found.high
        assert found.high - found.low < 2 * 1.96 * np.sqrt(0.93 * 0.07 / 400 + 0.9 * 0.1 / 400)
    assert 0.94 < covered / runs < 0.98


def test_predictions_to_other_examples_are_refused() -> None:
    with pytest.raises(ConfigError, match="examples: the student has 3 predictions, the teacher 4"):
        paired_drop(np.ones(4, np.bool_), np.ones(3, np.bool_))


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (SCORES[:, :3], LABELS, "accepted is"),
        (SCORES[:0], LABELS[:0], "at least 1"),
        (SCORES, LABELS[:3], "for \\(3,\\) labels"),
        (SCORES, LABELS + 2, "labels: found 2 to 4, accepted are 0 to 3"),
        (SCORES * np.float32("nan"), LABELS, "gives NaN"),
    ],
)
def test_what_does_not_fit_is_named(scores: npt.NDArray[Any], labels: npt.NDArray[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        predictions_of(scores, labels)
