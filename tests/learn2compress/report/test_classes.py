from __future__ import annotations

from learn2compress.report.classes import ConfusedPair, confused_pairs, confusion_rows, lowest_recall
from learn2compress.results.reports import Accuracy, ClassResult

LABELS = ("cat", "dog", "owl")
MATRIX = ((6, 3, 1), (0, 0, 0), (1, 1, 8))
RESULTS = (ClassResult("cat", 10, 0.6, 6 / 7), ClassResult("dog", 0, None, 0.0), ClassResult("owl", 10, 0.8, 8 / 9))
ACCURACY = Accuracy(20, 0.7, 0.5, 0.9, 3, None, RESULTS, MATRIX)


def test_a_cell_is_a_share_of_its_row() -> None:
    rows = dict(confusion_rows(ACCURACY))
    assert [(cell.count, cell.share, cell.correct, cell.predicted) for cell in rows["cat"]] == [
        (6, 0.6, True, "cat"),
        (3, 0.3, False, "dog"),
        (1, 0.1, False, "owl"),
    ]
    assert [cell.share for cell in rows["dog"]] == [0.0, 0.0, 0.0]  # no example of the class


def test_the_most_frequent_confusions_come_first_and_ties_in_label_order() -> None:
    assert confused_pairs(ACCURACY, 2) == (ConfusedPair("cat", "dog", 3, 0.3), ConfusedPair("cat", "owl", 1, 0.1))
    assert [(pair.label, pair.predicted) for pair in confused_pairs(ACCURACY, 9)][1:] == [
        ("cat", "owl"),
        ("owl", "cat"),
        ("owl", "dog"),
    ]


def test_all_classes_are_shown_in_order_or_those_of_lowest_recall() -> None:
    assert lowest_recall(ACCURACY, 3) == RESULTS
    assert [result.label for result in lowest_recall(ACCURACY, 2)] == ["cat", "owl"]  # one without examples has none
    assert [result.label for result in lowest_recall(ACCURACY, 1)] == ["cat"]
