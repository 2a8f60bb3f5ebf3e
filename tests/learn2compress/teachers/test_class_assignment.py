"""Outputs find their classes where the examples show them, and nowhere else."""

from __future__ import annotations

import numpy as np

from learn2compress.teachers.class_assignment import best_assignment, cross_assigned


def test_each_output_gets_the_class_that_it_answers() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    answers = np.array([2, 2, 0, 0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(best_assignment(labels, answers, 3), [1, 2, 0])


def test_what_examples_leave_open_stays_as_it_is() -> None:
    # Classes 2 and 3 were never seen, and one example of each speaks for both.
    np.testing.assert_array_equal(best_assignment(np.array([0, 1]), np.array([0, 1]), 4), [0, 1, 2, 3])
    np.testing.assert_array_equal(best_assignment(np.array([0, 1]), np.array([0, 0]), 2), [0, 1])


def test_an_order_that_holds_for_the_other_half_is_kept() -> None:
    labels = np.arange(30) % 3
    answers = (labels + 1) % 3
    np.testing.assert_array_equal(cross_assigned(labels, answers, 3), labels)


def test_what_fits_by_chance_does_not_hold_for_the_other_half() -> None:
    generator = np.random.default_rng(0)
    labels, answers = generator.integers(0, 50, 150), generator.integers(0, 50, 150)
    fitted = best_assignment(labels, answers, 50)[answers]
    assert (fitted == labels).mean() > 0.15
    assert (cross_assigned(labels, answers, 50) == labels).mean() < 0.06
