"""Which classes a file confuses, from its confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

from learn2compress.results.reports import Accuracy, ClassResult


@dataclass(frozen=True)
class ConfusionCell:
    """One cell of the matrix.

    Attributes:
      count: Examples of the row's class that were predicted as the column's.
      share: `count` as a ratio of the row's examples, 0..1.
      correct: Whether row and column are the same class.
      predicted: The column's label.
    """

    count: int
    share: float
    correct: bool
    predicted: str


@dataclass(frozen=True)
class ConfusedPair:
    """Examples of class `label` that were predicted as `predicted`, and their share of `label`'s examples."""

    label: str
    predicted: str
    count: int
    share: float


def confusion_rows(accuracy: Accuracy) -> tuple[tuple[str, tuple[ConfusionCell, ...]], ...]:
    """Returns each true class with the cells of its row, in label order."""
    labels = [result.label for result in accuracy.per_class]
    rows = []
    for true_index, counts in enumerate(accuracy.confusion_matrix):
        total = sum(counts)
        cells = tuple(
            ConfusionCell(count, count / total if total else 0.0, true_index == index, labels[index])
            for index, count in enumerate(counts)
        )
        rows.append((labels[true_index], cells))
    return tuple(rows)


def confused_pairs(accuracy: Accuracy, most: int) -> tuple[ConfusedPair, ...]:
    """Returns the most frequent confusions, most frequent first; ties in label order.

    Args:
      accuracy: What was counted, with its confusion matrix.
      most: How many at most.
    """
    pairs = [
        ConfusedPair(label, cell.predicted, cell.count, cell.share)
        for label, cells in confusion_rows(accuracy)
        for cell in cells
        if cell.count and not cell.correct
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.count)[:most])


def lowest_recall(accuracy: Accuracy, most: int) -> tuple[ClassResult, ...]:
    """Returns the classes with the lowest recall, or all in label order where there are no more than asked for.

    Args:
      accuracy: What was counted, with its confusion matrix.
      most: How many at most.

    Returns:
      Results of classes; one without examples has no recall, and is left out where not all are returned.
    """
    if len(accuracy.per_class) <= most:
        return accuracy.per_class
    known = [result for result in accuracy.per_class if result.recall is not None]
    return tuple(sorted(known, key=lambda result: result.recall or 0.0)[:most])
