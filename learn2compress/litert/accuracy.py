"""Figures of quality, counted from predictions in numpy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress.config import Corruption
from learn2compress.config.parsing import ConfigError
from learn2compress.data.corruptions import SEVERITIES
from learn2compress.litert.predictions import Predictions
from learn2compress.results.measurements import (
    Calibration,
    CalibrationBin,
    CorruptionAccuracy,
    PairedDrop,
    SliceAccuracy,
)
from learn2compress.results.reports import Accuracy, ClassResult

NUM_BINS = 15
MAX_SLICES = 100
_Z_95 = NormalDist().inv_cdf(0.975)


def accuracy_of(predictions: Predictions, class_names: Sequence[str], k: int) -> Accuracy:
    """Counts top-1, top-k, per-class figures and the confusion matrix.

    Classes are ranked by score, and among equal scores (8-bit softmax has many)
    by index, the lowest first, in all of these figures.

    Args:
      predictions: One for each example.
      class_names: Names in index order.
      k: The k of top-k, left out where there are no more than k classes.

    Returns:
      The figures, ratios of 0..1.
    """
    n, num_classes = len(predictions.labels), len(class_names)
    pairs = predictions.labels * num_classes + predictions.predicted
    confusion = np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
    correct = int(np.trace(confusion))
    low, high = wilson_interval(correct, n)
    return Accuracy(
        num_examples=n,
        top_1=correct / n,
        top_1_low=low,
        top_1_high=high,
        k=k,
        top_k=float(predictions.in_top_k.mean()) if num_classes > k else None,
        per_class=tuple(_class_result(name, confusion, index) for index, name in enumerate(class_names)),
        confusion_matrix=tuple(tuple(row) for row in confusion.tolist()),
    )


def calibration_of(predictions: Predictions) -> Calibration:
    """Measures the expected calibration error over 15 bins of equal width.

    Pakdaman Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities
    Using Bayesian Binning" (AAAI 2015); bins and confidence (the highest
    probability) as in Guo et al., arXiv:1706.04599. A bin holds its upper limit.
    """
    confidence = predictions.confidence.astype(np.float64)
    index = np.clip(np.ceil(confidence * NUM_BINS).astype(np.int64) - 1, 0, NUM_BINS - 1)
    counts = np.bincount(index, minlength=NUM_BINS)
    confidences = np.bincount(index, confidence, NUM_BINS)
    hits = np.bincount(index, predictions.correct, NUM_BINS)
    bins = tuple(
        CalibrationBin(int(n), float(total / n) if n else None, float(hit / n) if n else None)
        for n, total, hit in zip(counts, confidences, hits, strict=True)
    )
    return Calibration(float(np.abs(confidences - hits).sum() / len(confidence)), bins)


def slice_accuracies(predictions: Predictions) -> tuple[SliceAccuracy, ...]:
    """Counts the accuracy of each slice.

    Args:
      predictions: One for each example.

    Returns:
      One entry for each slice, in order of name; none for predictions without slices.

    Raises:
      ConfigError: there are more than 100.
    """
    if predictions.slices.size == 0:
        return ()
    names, index, counts = np.unique(predictions.slices, return_inverse=True, return_counts=True)
    if len(names) > MAX_SLICES:
        raise ConfigError(
            f"evaluate.slice_by: found {len(names)} slices, such as {str(names[0])!r}, accepted are {MAX_SLICES} "
            "at most"
        )
    hits = np.bincount(index, predictions.correct, len(names))
    return tuple(
        SliceAccuracy(str(name), int(n), float(hit / n), *wilson_interval(int(hit), int(n)))
        for name, n, hit in zip(names, counts, hits, strict=True)
    )


def corruption_accuracies(
    predictions: Predictions, corruptions: Sequence[Corruption]
) -> tuple[CorruptionAccuracy, ...]:
    """Counts the accuracy after each corruption at each severity.

    Args:
      predictions: One for each example.
      corruptions: Those that they were made with.

    Returns:
      One entry for each corruption and severity, in the order of the predictions' columns.
    """
    kinds = [(corruption, severity) for corruption in corruptions for severity in SEVERITIES]
    shares = predictions.corrupted_correct.mean(axis=0)
    return tuple(
        CorruptionAccuracy(corruption.value, severity, float(share))
        for (corruption, severity), share in zip(kinds, shares, strict=True)
    )


def paired_drop(teacher_correct: npt.NDArray[np.bool_], student_correct: npt.NDArray[np.bool_]) -> PairedDrop:
    """Measures how much less accurate a student is on the very same examples.

    Only examples that one of the two alone gets right tell them apart (McNemar 1947,
    Psychometrika 12(2)). The interval is the adjusted Wald interval of Bonett and
    Price (2012), J. Educ. Behav. Stat. 37(4), 479-488, which adds one such example
    to each side: narrower than that of two accuracies from different examples, and
    honest where few examples differ.

    Args:
      teacher_correct: bool [n], whether the teacher is right.
      student_correct: bool [n], the same for the student, in the same order.

    Returns:
      The drop as a ratio, -1..1, with its 95% interval.

    Raises:
      ConfigError: they are not about equally many examples, at least one.
    """
    n = len(teacher_correct)
    if n == 0 or len(student_correct) != n:
        raise ConfigError(f"examples: the student has {len(student_correct)} predictions, the teacher {n}; run again")
    teacher_only = int((teacher_correct & ~student_correct).sum())
    student_only = int((student_correct & ~teacher_correct).sum())
    lost, gained = (teacher_only + 1) / (n + 2), (student_only + 1) / (n + 2)
    center = lost - gained
    half = _Z_95 * math.sqrt((lost + gained - center**2) / (n + 2))
    drop = (teacher_only - student_only) / n
    return PairedDrop(n, teacher_only, student_only, drop, max(-1.0, center - half), min(1.0, center + half))


def wilson_interval(num_correct: int, num_examples: int) -> tuple[float, float]:
    """Returns the 95% score interval of a ratio: E. B. Wilson (1927), JASA 22(158), 209-212.

    Unlike the normal approximation it stays inside 0..1 and is honest near 1.

    Args:
      num_correct: Examples of which the prediction is right, 0 to `num_examples`.
      num_examples: Examples in all, at least 1.

    Returns:
      Lower and upper end, 0..1.
    """
    ratio, z_squared = num_correct / num_examples, _Z_95**2
    center = ratio + z_squared / (2 * num_examples)
    half = _Z_95 * math.sqrt(ratio * (1 - ratio) / num_examples + z_squared / (4 * num_examples**2))
    scale = 1 + z_squared / num_examples
    return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)


def _class_result(label: str, confusion: npt.NDArray[np.integer[Any]], index: int) -> ClassResult:
    hits, examples, predictions = confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
    return ClassResult(
        label=label,
        num_examples=int(examples),
        recall=float(hits / examples) if examples else None,
        precision=float(hits / predictions) if predictions else None,
    )
