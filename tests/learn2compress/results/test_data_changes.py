"""A smaller split, classes that came and went, and another held-out split are said; the same data are not."""

from __future__ import annotations

import dataclasses

import pytest

from learn2compress.results.data import ClassCounts, DataReport, PreviousData, SplitCounts, SplitDigests
from learn2compress.results.data_changes import count_changes, is_much_smaller

NONE = SplitCounts(0, 0)
NOW = DataReport(
    ("cat", "dog"),
    1000,
    200,
    0,
    0,
    0,
    0,
    NONE,
    NONE,
    0,
    NONE,
    0,
    ClassCounts((600, 400), (120, 80)),
    (),
    SplitDigests("train", "test"),
    "c",
)
BEFORE = PreviousData.of(NOW)


def test_nothing_is_said_of_the_same_data() -> None:
    assert count_changes(NOW, BEFORE) == ()


def test_a_much_smaller_split_is_said_aloud() -> None:
    before = dataclasses.replace(BEFORE, num_train=4000, class_counts=ClassCounts((2400, 1600), (120, 80)))
    assert count_changes(NOW, before) == (
        "the training split is much smaller than in the previous run: 1,000 examples, 25% of 4,000; see that nothing "
        "is missing",
    )


def test_a_few_examples_more_or_less_are_counted() -> None:
    before = dataclasses.replace(
        BEFORE, num_train=1010, num_held_out=190, split_content_sha256=SplitDigests("train", "other")
    )
    assert count_changes(NOW, before) == (
        "the training split has 1,000 examples, 1,010 in the previous run",
        "the held-out split has 200 examples, 190 in the previous run",
        "the held-out split is not the previous run's: figures of the two runs are not of the same examples",
    )


def test_classes_that_came_went_shrank_or_moved_are_named() -> None:
    other = dataclasses.replace(BEFORE, labels=("cat", "owl"))
    assert count_changes(NOW, other) == (
        "class 'owl' of the previous run missing",
        "class 'dog' new since the previous run",
    )
    moved = dataclasses.replace(BEFORE, labels=("dog", "cat"), class_counts=ClassCounts((400, 600), (80, 120)))
    assert count_changes(NOW, moved) == ("the classes are in another order than in the previous run",)
    shrunk = dataclasses.replace(BEFORE, num_train=1200, class_counts=ClassCounts((600, 600), (120, 80)))
    assert count_changes(NOW, shrunk) == (
        "the training split has 1,000 examples, 1,200 in the previous run",
        "class 'dog' has 400 training examples, 600 in the previous run",
    )


@pytest.mark.parametrize(
    ("count", "before", "smaller"),
    [(79, 100, True), (80, 100, False), (5, 7, False), (0, 7, True), (100, 0, False), (200, 100, False)],
)
def test_much_smaller_is_a_fifth_less_and_no_chance(count: int, before: int, smaller: bool) -> None:
    assert is_much_smaller(count, before) is smaller


def test_examples_to_choose_by_are_compared_where_both_runs_had_some() -> None:
    now = dataclasses.replace(NOW, num_validation=60)
    assert count_changes(now, BEFORE) == ()
    assert count_changes(now, dataclasses.replace(BEFORE, num_validation=64)) == (
        "the validation split has 60 examples, 64 in the previous run",
    )
