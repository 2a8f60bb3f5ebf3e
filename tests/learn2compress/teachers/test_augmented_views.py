"""Which views of an example get logits of their own, and that the training can make the same ones."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from learn2compress.config import AugmentConfig, TeacherConfig, TeacherSignal, TeacherTraining
from learn2compress.data.augmentation import augment, example_seeds, view_seed
from learn2compress.teachers.augmented_views import ViewPlan

X = np.random.default_rng(3).integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)
AUGMENT = AugmentConfig(flip=True, shift_ratio=0.2, brightness=0.3)
CACHED = TeacherConfig("teacher.keras", cached_views=3)


def test_cached_logits_have_the_configured_views_where_something_is_augmented() -> None:
    assert ViewPlan.of(CACHED, AUGMENT, 7) == ViewPlan(3, 7, AUGMENT)
    # Nothing that would change nothing: a parameter of the step is part of what its results are found by.
    assert ViewPlan.of(CACHED, AugmentConfig(), 7) == ViewPlan()
    for live in ({"signal": TeacherSignal.LIVE}, {"training": TeacherTraining.JOINT}):
        assert ViewPlan.of(TeacherConfig("teacher.keras", **live), AUGMENT, 7) == ViewPlan()


def test_without_augmentation_the_only_view_is_the_example() -> None:
    (view,) = ViewPlan().views(X)
    np.testing.assert_array_equal(view, X)


def test_views_are_those_of_the_runs_seed_whatever_the_batch() -> None:
    views = list(ViewPlan.of(CACHED, AUGMENT, 7).views(X))
    assert len(views) == 3
    seeds = example_seeds(tf.constant([example.tobytes() for example in X]))
    for number, view in enumerate(views):
        assert view.dtype == np.uint8
        expected = augment(X, seeds, tf.fill([9], tf.constant(view_seed(7, number), tf.int64)), AUGMENT)
        np.testing.assert_array_equal(view, expected)
    assert not np.array_equal(views[0], views[1])
    parts = [np.stack(list(ViewPlan(3, 7, AUGMENT).views(part))) for part in (X[:4], X[4:])]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), np.stack(views))
