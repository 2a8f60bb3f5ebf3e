"""The one-to-one assignment of a teacher's outputs to classes under which it is right most often."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]


def best_assignment(labels: np.ndarray, answers: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns the one-to-one assignment of outputs to classes under which most answers are right.

    By the Hungarian method (Kuhn 1955). An output whose class the answers leave open keeps its own.

    Args:
      labels: Classes, int `[n]`.
      answers: Outputs with the highest score, int `[n]`.
      num_classes: Classes, and outputs.

    Returns:
      The class of each output, int `[num_classes]`.
    """
    pairs = np.bincount(labels * num_classes + answers, minlength=num_classes**2).reshape(num_classes, num_classes)
    # Half an example for where each is: ties change nothing.
    gain = pairs.T + 0.5 * np.eye(num_classes)
    outputs, classes = linear_sum_assignment(gain, maximize=True)
    assignment = np.empty(num_classes, np.int64)
    assignment[outputs] = classes
    return assignment


def cross_assigned(labels: np.ndarray, answers: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns answers under the best assignment, each judged by an assignment of the other half of the examples.

    With many classes and few examples, some assignment fits by chance; it does not fit the other half, too.

    Args:
      labels: Classes, int `[n]`.
      answers: Outputs with the highest score, int `[n]`.
      num_classes: Classes, and outputs.

    Returns:
      Classes, int `[n]`.
    """
    # Every second example of each class.
    half = np.zeros(len(labels), bool)
    for index in range(num_classes):
        half[np.flatnonzero(labels == index)[1::2]] = True
    assigned = answers.copy()
    for judged in (half, ~half):
        assigned[judged] = best_assignment(labels[~judged], answers[~judged], num_classes)[answers[judged]]
    return assigned
