"""Guesses are told from knowledge with numbers."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.results.guessing import Knowledge, check_guessing


def confusion_of(labels: np.ndarray, answers: np.ndarray, num_classes: int) -> np.ndarray:
    return np.bincount(labels * num_classes + answers, minlength=num_classes**2).reshape(num_classes, num_classes)


def knowledge(confusion: object) -> Knowledge:
    return check_guessing(confusion).knowledge  # type: ignore[arg-type]


def test_the_figures_are_counted() -> None:
    found = check_guessing([[10, 20, 0], [5, 40, 5], [0, 0, 20]])
    assert (found.num_examples, found.accuracy, found.largest_share, found.largest_class) == (100, 0.7, 0.5, 1)


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [
        # Classes in another order, two of three swapped, one answer to everything.
        ([[0, 100, 0], [0, 0, 100], [100, 0, 0]], Knowledge.GUESSING),
        ([[0, 100, 0], [100, 0, 0], [0, 0, 100]], Knowledge.GUESSING),
        ([[100, 0, 0], [100, 0, 0], [100, 0, 0]], Knowledge.GUESSING),
        ([[90, 10, 0], [10, 80, 10], [0, 5, 95]], Knowledge.BETTER),
        # A rare class: always the frequent one is a guess, also at 95%; to find half of it is none, also below 95%.
        ([[950, 0], [50, 0]], Knowledge.GUESSING),
        ([[910, 40], [25, 25]], Knowledge.BETTER),
        # Nobody could tell.
        ([[2, 1], [1, 2]], Knowledge.UNKNOWN),
        ([[10, 10], [10, 10]], Knowledge.UNKNOWN),
        ([[2000, 0], [1, 0]], Knowledge.UNKNOWN),
        # Few, but always the same answer.
        ([[77, 0], [5, 0]], Knowledge.GUESSING),
        ([[2, 0], [2, 0]], Knowledge.UNKNOWN),
        ([[60]], Knowledge.UNKNOWN),
        # Few examples, and nearly all right.
        ([[9, 1], [0, 10]], Knowledge.BETTER),
    ],
)
def test_guesses_are_told_from_knowledge_where_examples_allow(confusion: list[list[int]], expected: Knowledge) -> None:
    assert knowledge(confusion) is expected


def test_no_example_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="found no example"):
        check_guessing(np.zeros((3, 3), int))


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.1], [0.1] * 10, [0.6, 0.2, 0.1, 0.1]], ids=str)
def test_guesses_are_seldom_taken_for_knowledge_and_weak_knowledge_seldom_for_guesses(shares: list[float]) -> None:
    generator = np.random.default_rng(0)
    num_classes = len(shares)
    guessed = weak = 0
    for _ in range(400):
        labels = generator.choice(num_classes, 300, p=shares)
        guesses = generator.choice(num_classes, 300, p=shares)
        known = np.where(generator.random(300) < 0.4, labels, guesses)
        guessed += knowledge(confusion_of(labels, guesses, num_classes)) is Knowledge.BETTER
        weak += knowledge(confusion_of(labels, known, num_classes)) is Knowledge.BETTER
    assert guessed <= 24
    assert weak >= 396
