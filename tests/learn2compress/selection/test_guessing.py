"""The floor relative to guessing is tested with numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from learn2compress.config import ConstraintsConfig
from learn2compress.results.latency import Latency
from learn2compress.results.reports import Accuracy, ClassResult, ModelReport, Verdict
from learn2compress.selection.guessing import guessing_of, is_yardstick
from learn2compress.selection.select import select

LATENCY = Latency(0.5, 0.6, 0.4, 0.5, 0.45, 0.55, 1, "a processor")
LABELS = tuple("abcdefghij")
ACCEPTED = ConstraintsConfig(max_accuracy_drop=0.02, accept_guessing=True)


def model(name: str, confusion: np.ndarray) -> ModelReport:
    n, top_1 = int(confusion.sum()), float(np.trace(confusion) / confusion.sum())
    classes = tuple(ClassResult(LABELS[row], int(counts.sum()), None, None) for row, counts in enumerate(confusion))
    accuracy = Accuracy(n, top_1, top_1 - 0.02, top_1 + 0.02, 3, None, classes, tuple(map(tuple, confusion.tolist())))
    return ModelReport(name, "0" * 64, 1000, 800, 900, 450, 5000, {}, "uint8", "uint8", accuracy, LATENCY, 10_000)


def spread(right: int, num_classes: int = 10, each: int = 36) -> np.ndarray:
    """As many of each class, so many right in all, and the rest the next class."""
    confusion = np.zeros((num_classes, num_classes), int)
    for row in range(num_classes):
        hits = right // num_classes + (row < right % num_classes)
        confusion[row, row], confusion[row, (row + 1) % num_classes] = hits, each - hits
    return confusion


def verdict(student: ModelReport, teacher: ModelReport, **constraints: Any) -> Verdict:
    (found,) = select([student], teacher, ConstraintsConfig(**constraints))
    return found


GOOD, WORTHLESS = model("teacher", spread(350)), model("teacher", spread(41))


def test_a_student_that_guesses_is_not_pushed_whatever_else_is_asked() -> None:
    found = verdict(model("small", spread(38)), GOOD)
    assert not found.selected
    assert found.reasons == (
        "accuracy 10.56% is no better than guessing: always 'a' would be right on 10% of the 360 held-out examples "
        "(constraints.accept_guessing: true pushes it all the same)",
    )


def test_the_switch_pushes_it_and_still_says_so() -> None:
    found = verdict(model("small", spread(38)), GOOD, accept_guessing=True)
    assert found.selected
    assert "accuracy 10.56% is no better than guessing: always 'a' would be right on 10% of the 360" in found.notes[0]


def test_a_limit_on_the_drop_says_nothing_against_a_teacher_that_guesses() -> None:
    student = model("small", spread(60))  # clearly better than guessing, and than its teacher
    found = verdict(student, WORTHLESS, max_accuracy_drop=0.02)
    assert found.reasons == (
        "accuracy drop -5.28 points says nothing, so it does not satisfy max_accuracy_drop 2 points: the teacher's "
        "accuracy 11.39% is no better than guessing (constraints.accept_guessing: true pushes it all the same)",
    )
    # Without the limit the figure stands for itself; the note says what the teacher is.
    found = verdict(student, WORTHLESS)
    assert (found.selected, len(found.notes)) == (True, 1)
    assert found.notes[0].startswith("the teacher is no yardstick: its accuracy 11.39% is no better than guessing")
    assert select([student], WORTHLESS, ACCEPTED)[0].selected


def test_a_limit_on_the_drop_holds_against_a_sound_teacher() -> None:
    found = verdict(model("small", spread(340)), GOOD, max_accuracy_drop=0.02)
    assert found.reasons == ("accuracy drop 2.78 points is above max_accuracy_drop 2 points",)


def test_a_rare_class_that_is_found_is_no_guess() -> None:
    """95% are "a": to answer it always is right more often, and worth nothing."""
    careful, constant = np.array([[900, 50], [10, 40]]), np.array([[950, 0], [50, 0]])
    found = verdict(model("small", careful), GOOD)
    assert found.selected
    assert found.notes[0] == (
        "always answering 'a' would be right more often (95%): here accuracy says little, and the recall of each class "
        "more"
    )
    assert not verdict(model("small", constant), GOOD).selected
    assert not is_yardstick(model("teacher", constant))


@pytest.mark.parametrize("confusion", [[[2, 1], [1, 2]], [[10, 10], [10, 10]]])
def test_few_examples_refuse_nobody_and_are_said_to_be_few(confusion: list[list[int]]) -> None:
    report = model("small", np.array(confusion))
    limits = {"max_accuracy_drop": 0.02, "min_held_out_examples": 1}
    found = verdict(report, dataclasses.replace(report, name="teacher"), **limits)
    assert found.selected
    assert f"the {report.accuracy.num_examples} held-out examples, 50% of them 'a', are too few" in found.notes[0]


def test_what_was_not_counted_is_not_judged() -> None:
    report = model("small", spread(38))
    uncounted = dataclasses.replace(report, accuracy=dataclasses.replace(report.accuracy, confusion_matrix=()))
    assert guessing_of(uncounted) is None
    assert verdict(uncounted, uncounted, max_accuracy_drop=0.02).selected
