"""The sentences follow the counts, one by one, and say nothing where there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.results.data import DataReport, SplitCounts
from learn2compress.results.data_words import data_sentences, held_out_sentence, named

Report = Callable[..., DataReport]


def test_nothing_is_said_of_data_in_order(data_report: Report) -> None:
    assert data_sentences(data_report()) == data_sentences(None) == ()
    for data in (data_report(), None):
        assert held_out_sentence(data, 120) == "120 held-out examples that no weight of the student was fitted to"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"num_bad": 1}, "1 bad record refused: bad_records.jsonl lists them"),
        ({"num_bad": 1200}, "1,200 bad records refused: bad_records.jsonl lists them"),
        ({"num_labelled_left_out": 1}, "1 labelled example left out of training: the content is held out"),
        ({"num_unlabelled_left_out": 2}, "2 unlabelled examples left out of training: the content is held out"),
        (
            {"num_held_out_trained_on": 110},
            "110 of 120 held-out examples are in training, too (data.repeated_texts: keep): figures on them flatter",
        ),
        (
            {"num_conflicting_left_out": 4},
            "4 labelled examples left out of training: the same content has another label, too",
        ),
        (
            {"num_conflicting_stored": SplitCounts(6, 0)},
            "6 training examples whose content has another label, too (data.repeated_texts: keep)",
        ),
        (
            {"num_conflicting_stored": SplitCounts(0, 6)},
            "6 held-out examples whose content has another label, too: no model is right on all of them",
        ),
        (
            {"num_duplicates": SplitCounts(3, 1)},
            "copies of other examples of their split: 3 in training, 1 held out",
        ),
        (
            {"labels_not_held_out": ("dog",)},
            "class 'dog' without a held-out example (data.min_held_out_per_class: 0): nothing tells how well it is "
            "recognized",
        ),
        (
            {"num_labelled_left_out": 3, "num_validation": 60},
            "3 labelled examples left out of training: the content is held out, or to choose by",
        ),
        (
            {"num_validation": 60, "num_validation_left_out": 1},
            "1 validation example left out: the content is held out",
        ),
        (
            {"num_validation": 60, "num_conflicting_stored": SplitCounts(0, 0, 2)},
            "2 validation examples whose content has another label, too",
        ),
        (
            {"num_validation": 60, "num_duplicates": SplitCounts(3, 1, 2)},
            "copies of other examples of their split: 3 in training, 2 to choose by, 1 held out",
        ),
        (
            {"num_validation": 60, "labels_not_in_validation": ("dog",)},
            "class 'dog' without an example to choose by (data.validation_uri): no choice minds how well it is "
            "recognized",
        ),
        ({"changes": ("the training split has 1 example, 2 in the previous run",)}, None),
    ],
)
def test_each_count_is_said(data_report: Report, changes: dict[str, Any], sentence: str | None) -> None:
    assert data_sentences(data_report(**changes)) == (sentence or changes["changes"][0],)


def test_examples_that_were_trained_on_are_not_called_unseen(data_report: Report) -> None:
    assert held_out_sentence(data_report(num_held_out_trained_on=110), 120) == (
        "120 held-out examples; 110 of them have the content of training examples, which weights were fitted to"
    )


def test_classes_are_named_a_few_at_a_time() -> None:
    assert named(["a"]) == "class 'a'"
    assert named(["a", "b"]) == "2 classes ('a', 'b')"
    assert named(["a", "b", "c", "d"]) == "4 classes ('a', 'b', 'c', ...)"
