from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest  # type: ignore[import-untyped]

from learn2compress.config_file import ConfigError
from learn2compress.litert.accuracy import accuracy_of, agreement, wilson_interval

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


def test_figures_by_hand() -> None:
    accuracy = accuracy_of(SCORES, LABELS, NAMES, k=2)

    assert accuracy.num_examples == 5
    assert accuracy.top_1 == pytest.approx(2 / 5)
    assert accuracy.top_k == pytest.approx(4 / 5)
    assert accuracy.confusion_matrix == ((1, 0, 0, 0), (2, 0, 0, 0), (1, 0, 1, 0), (0, 0, 0, 0))
    assert [result.num_examples for result in accuracy.per_class] == [1, 2, 2, 0]
    assert [result.recall for result in accuracy.per_class] == [1.0, 0.0, 0.5, None]
    assert [result.precision for result in accuracy.per_class] == [0.25, None, 1.0, None]
    assert [result.label for result in accuracy.per_class] == list(NAMES)


def test_equal_scores_rank_by_index() -> None:
    flat = np.full((4, 4), 0.25)
    accuracy = accuracy_of(flat, np.arange(4), NAMES, k=3)

    assert accuracy.top_1 == 0.25  # class 0 alone, as argmax says
    assert accuracy.top_k == 0.75


def test_top_k_is_left_out_where_there_are_no_more_than_k_classes() -> None:
    assert accuracy_of(SCORES, LABELS, NAMES, k=4).top_k is None
    assert accuracy_of(SCORES, LABELS, NAMES, k=3).top_k == 1.0


@pytest.mark.parametrize(("correct", "n"), [(81, 263), (0, 10), (10, 10), (1, 1), (9871, 10000)])
def test_wilson_interval_is_scipys(correct: int, n: int) -> None:
    reference = binomtest(correct, n).proportion_ci(0.95, method="wilson")

    assert wilson_interval(correct, n) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_agreement_is_the_share_of_equal_top_classes() -> None:
    other = SCORES.copy()
    other[0] = [0, 0, 0, 1]

    assert agreement(SCORES, SCORES) == 1.0
    assert agreement(SCORES, other) == pytest.approx(4 / 5)
    with pytest.raises(ConfigError, match="found shapes"):
        agreement(SCORES, other[:2])


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (SCORES[:, :3], LABELS, "accepted is"),
        (SCORES[:0], LABELS[:0], "at least 1"),
        (SCORES, LABELS[:3], "for \\(3,\\) labels"),
        (SCORES, LABELS + 2, "labels: found 2 to 4, accepted are 0 to 3"),
        (SCORES * np.float32("nan"), LABELS, "found NaN"),
    ],
)
def test_what_does_not_fit_is_named(scores: npt.NDArray[Any], labels: npt.NDArray[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        accuracy_of(scores, labels, NAMES, k=2)
