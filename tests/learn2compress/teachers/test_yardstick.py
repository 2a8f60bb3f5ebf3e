"""What explains wrong answers is decided with numbers."""

from __future__ import annotations

import numpy as np
import pytest

from learn2compress.teachers.yardstick import Attempt, Explanation, check_answers, explain, percent

NAMES = ("apple", "lime", "plum")
LABELS = np.arange(120) % 3


def noisy(ratio: float, seed: int = 0, labels: np.ndarray = LABELS) -> np.ndarray:
    """Right answers, a share of which is drawn anew."""
    generator = np.random.default_rng(seed)
    return np.where(generator.random(len(labels)) < ratio, generator.integers(0, labels.max() + 1, len(labels)), labels)


def test_answers_are_counted_by_class() -> None:
    check = check_answers(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert (check.num_examples, check.accuracy, check.largest_share) == (4, 0.5, 0.5)


def test_right_answers_need_no_explanation() -> None:
    worse = Attempt("takes pixels as -1..1", "set it", noisy(0.5), 1)
    assert explain(LABELS, LABELS, [worse], 1, NAMES, None) is None
    assert explain(LABELS, noisy(0.4), [Attempt("nearly the same", "set it", noisy(0.38), 1)], 1, NAMES, None) is None


def test_the_order_of_classes_is_found_from_where_it_is_read_now() -> None:
    found = explain(LABELS, (LABELS + 1) % 3, [], 1, NAMES, None)
    assert found == Explanation(1.0, classes=("plum", "apple", "lime"), unlikelihood=2)
    # Outputs are read as 1, 2, 0 now.
    found = explain(LABELS, (LABELS + 1) % 3, [], 1, NAMES, (1, 2, 0))
    assert found is not None
    assert found.classes == ("lime", "plum", "apple")


def test_numbers_are_answered_by_numbers() -> None:
    # Outputs 4, 0 and 2 are read, and belong to plum, apple and lime.
    found = explain(LABELS, (LABELS + 1) % 3, [], 1, NAMES, (4, 0, 2), by_number=True)
    assert found is not None
    assert found.outputs == (0, 2, 4)
    assert "set teacher.outputs to [0, 2, 4]" in found.sentence("teacher")


def test_two_of_ten_classes_that_are_swapped_are_found_though_most_is_right() -> None:
    labels = np.arange(400) % 10
    swap = np.array([0, 1, 2, 3, 5, 4, 6, 7, 8, 9])
    found = explain(labels, swap[noisy(0.1, labels=labels)], [], 1, tuple("abcdefghij"), None)
    assert found is not None
    assert found.classes == tuple("abcdfeghij")


def test_the_likeliest_of_equally_good_explanations_is_taken() -> None:
    wrong = np.zeros(120, int)
    scaling = Attempt("scaling", "scale", noisy(0.02), 1)
    channels = Attempt("channels", "reverse", LABELS, 3)
    found = explain(LABELS, wrong, [channels, scaling], 1, NAMES, None)
    assert found is not None
    assert found.setting == "scale"
    found = explain(LABELS, wrong, [channels, Attempt("scaling", "scale", noisy(0.5), 1)], 1, NAMES, None)
    assert found is not None
    assert found.setting == "reverse"


@pytest.mark.parametrize("unlikelihood", [1, 3])
def test_another_reading_must_explain_much(unlikelihood: int) -> None:
    reading = Attempt("", "set it", LABELS, unlikelihood)
    often, seldom = (np.where(np.arange(120) % step == 0, (LABELS + 1) % 3, LABELS) for step in (4, 8))
    assert explain(LABELS, often, [reading], 1, NAMES, None) is not None  # right on 75%
    assert explain(LABELS, seldom, [reading], 1, NAMES, None) is None  # right on 88%


def test_attempts_are_held_against_the_same_examples() -> None:
    answers = (LABELS + 1) % 3
    found = explain(LABELS, answers, [Attempt("scaling", "scale", LABELS[::4], 1)], 4, NAMES, None)
    assert found is not None
    assert (found.setting, found.accuracy) == ("scale", 1.0)


def test_many_classes_and_few_examples_explain_nothing_by_chance() -> None:
    generator = np.random.default_rng(1)
    labels, answers = generator.integers(0, 60, 240), generator.integers(0, 60, 240)
    assert explain(labels, answers, [], 1, tuple(map(str, range(60))), None) is None


def test_sentences_name_the_fix() -> None:
    order = Explanation(1.0, classes=("plum", "no"))
    assert order.sentence("teacher") == ", and on 100% if its outputs are plum, no: set teacher.classes to [plum, 'no']"
    scaling = Explanation(0.975, "takes pixels as -1..1", "set x")
    assert scaling.sentence("teacher") == ": it takes pixels as -1..1: set x; with that it is right on 97.5%"
    many = Explanation(0.8, classes=tuple(map(str, range(30))))
    assert many.sentence("teacher") == (
        ", and on 80% if its outputs are in another order than the data's classes (0, 1, 2, ...): "
        "set teacher.classes to the names in the order of its outputs"
    )


def test_percentages_have_more_digits_near_the_whole() -> None:
    assert [percent(ratio) for ratio in (0.0, 0.2389, 0.975, 0.9996, 1.0)] == ["0%", "24%", "97.5%", "100%", "100%"]
