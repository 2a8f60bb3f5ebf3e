"""Quality of scores against labels, in numpy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress.config_file import ConfigError
from learn2compress.results import Accuracy, ClassResult

_Z_95 = NormalDist().inv_cdf(0.975)


def accuracy_of(
    scores: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.integer[Any]], class_names: Sequence[str], k: int
) -> Accuracy:
    """Top-1, top-k, per-class figures and confusion matrix.

    Classes are ranked by score, and among equal scores (8-bit softmax has many)
    by index, the lowest first: what `argmax` gives, and the same in every run.

    Args:
      scores: [n, num_classes], logits or probabilities.
      labels: [n], class indices.
      class_names: Names in index order.
      k: The k of top-k, left out where there are no more than k classes.

    Raises:
      ConfigError: shapes don't fit, there is no example, a label is out of range or a score is NaN.
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    _check(scores, labels, len(class_names))
    n, num_classes = scores.shape
    predicted = scores.argmax(axis=1)
    correct = int((predicted == labels).sum())
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    low, high = wilson_interval(correct, n)
    return Accuracy(
        num_examples=n,
        top_1=correct / n,
        top_1_low=low,
        top_1_high=high,
        k=k,
        top_k=float((_ranks(scores, labels) < k).mean()) if num_classes > k else None,
        per_class=tuple(_class_result(name, confusion, index) for index, name in enumerate(class_names)),
        confusion_matrix=tuple(tuple(row) for row in confusion.tolist()),
    )


def agreement(scores_a: npt.NDArray[np.floating[Any]], scores_b: npt.NDArray[np.floating[Any]]) -> float:
    """Share of examples (0..1) for which both [n, num_classes] scores have the same highest class.

    Raises:
      ConfigError: the shapes differ or there is no example.
    """
    if scores_a.shape != scores_b.shape or scores_a.ndim != 2 or scores_a.size == 0:
        raise ConfigError(
            f"scores: found shapes {list(scores_a.shape)} and {list(scores_b.shape)}, "
            "accepted are equal ones [n, classes]"
        )
    return float((scores_a.argmax(axis=1) == scores_b.argmax(axis=1)).mean())


def wilson_interval(num_correct: int, num_examples: int) -> tuple[float, float]:
    """95% score interval of a ratio: E. B. Wilson (1927), JASA 22(158), 209-212.

    Unlike the normal approximation it stays inside 0..1 and is honest near 1.
    """
    ratio, z_squared = num_correct / num_examples, _Z_95**2
    center = ratio + z_squared / (2 * num_examples)
    half = _Z_95 * math.sqrt(ratio * (1 - ratio) / num_examples + z_squared / (4 * num_examples**2))
    scale = 1 + z_squared / num_examples
    return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)


def _ranks(scores: npt.NDArray[Any], labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    own = scores[np.arange(len(labels)), labels][:, None]
    before = np.arange(scores.shape[1]) < labels[:, None]
    ranks: npt.NDArray[np.int64] = ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return ranks


def _class_result(label: str, confusion: npt.NDArray[np.int64], index: int) -> ClassResult:
    hits, examples, predictions = confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
    return ClassResult(
        label=label,
        num_examples=int(examples),
        recall=float(hits / examples) if examples else None,
        precision=float(hits / predictions) if predictions else None,
    )


def _check(scores: npt.NDArray[Any], labels: npt.NDArray[Any], num_classes: int) -> None:
    if scores.ndim != 2 or scores.shape[1] != num_classes or labels.shape != scores.shape[:1] or len(scores) == 0:
        raise ConfigError(
            f"scores: found shape {list(scores.shape)} for {labels.shape} labels, "
            f"accepted is [number of labels, at least 1; {num_classes} classes]"
        )
    if np.isnan(scores).any():
        raise ConfigError("scores: found NaN, accepted are numbers")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ConfigError(f"labels: found {labels.min()} to {labels.max()}, accepted are 0 to {num_classes - 1}")
