"""The moving average: each variable's, over the steps that it was trained for; and copies of an epoch's weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.training.adamw import AdamW
from learn2compress.training.weight_copies import Lookahead, WeightAverage, WeightCopies, best_copies

DECAY = 0.99


@pytest.fixture
def network() -> keras.Model:
    inputs = keras.Input((2,))
    early = keras.layers.Dense(2, name="early")(inputs)
    late = keras.layers.BatchNormalization(name="late")(keras.layers.Activation("relu")(early))
    return keras.Model(inputs, {"large": early, "small": late})


def set_all(layer: keras.Layer, value: float) -> None:
    layer.set_weights([np.full(weight.shape, value, np.float32) for weight in layer.get_weights()])


def count(optimizer: AdamW, layer: keras.Layer, num_steps: int) -> None:
    counts = optimizer.num_steps.numpy()
    for variable in layer.trainable_variables:
        place = optimizer.place_of(variable)
        assert place is not None
        counts[place] = num_steps
    optimizer.num_steps.assign(counts)


def test_a_layer_that_starts_late_forgets_its_initial_weights_as_one_that_starts_at_once(network: keras.Model) -> None:
    early, late = network.get_layer("early"), network.get_layer("late")
    optimizer = AdamW(network.trainable_variables, 0.1)
    average = WeightAverage(network, optimizer, DECAY)
    set_all(early, 1.0)
    set_all(late, 1.0)
    for step in range(1, 201):
        count(optimizer, early, step)
        average.update()
    # Untrained, it is its own average.
    with average.applied():
        assert all((weight == 1.0).all() for weight in late.get_weights())
    set_all(early, 0.0)
    set_all(late, 0.0)
    for step in range(1, 21):
        count(optimizer, early, 200 + step)
        count(optimizer, late, step)
        average.update()
    with average.applied():
        # An average of long standing moves by 1% in a step; a young one follows, its statistics with it.
        assert early.get_weights()[0].min() == pytest.approx(0.955**20, rel=0.15)
        assert len(late.get_weights()) == 4
        assert all(np.abs(weight).max() < 1e-6 for weight in late.get_weights())
    assert all((weight == 0.0).all() for weight in late.get_weights())


def test_lookahead_sets_the_weights_to_their_average(network: keras.Model) -> None:
    early, late = network.get_layer("early"), network.get_layer("late")
    untrained = late.get_weights()
    set_all(early, 0.0)
    lookahead = Lookahead(network.variables)
    set_all(early, 1.0)
    for expected in (0.25, 0.25 * 0.75 + 0.25 * 1.0):
        lookahead.update(tf.constant(0.75))
        np.testing.assert_allclose(early.get_weights()[0], expected, rtol=1e-6)
        set_all(early, 1.0)
    lookahead.update(tf.constant(0.0))
    assert early.get_weights()[0].min() == 1.0
    for before, after in zip(untrained, late.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_copies_are_taken_and_given(network: keras.Model) -> None:
    copies = WeightCopies(network.variables)
    before = network.get_weights()
    set_all(network.get_layer("early"), 3.0)
    copies.give()
    for expected, found in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)
    set_all(network.get_layer("early"), 4.0)
    copies.take()
    set_all(network.get_layer("early"), 5.0)
    copies.give()
    assert network.get_layer("early").get_weights()[0].max() == 4.0


def test_each_student_has_a_copy_of_what_it_shares(network: keras.Model) -> None:
    best = best_copies(network, None)
    early, late = network.get_layer("early"), network.get_layer("late")
    set_all(early, 1.0)
    best["large"].take()
    set_all(early, 2.0)
    set_all(late, 2.0)
    best["small"].take()
    best["large"].give()
    assert early.get_weights()[0].max() == 1.0
    assert late.get_weights()[0].max() == 2.0
    best["small"].give()
    assert early.get_weights()[0].max() == 2.0
