"""A step trains the widest on the whole batch, and beside it, once they have joined, two others on a part of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import FamilyConfig, Optimizer, TaskConfig, TrainingConfig
from learn2compress.data.batches import TrainingBatch
from learn2compress.families.network import FamilyNetwork, View, build_family
from learn2compress.families.step import FamilyStep, StepNumber
from learn2compress.families.training import family_plan
from learn2compress.families.turns import views_at

SEED = 3


def batch_of(num_examples: int = 64) -> TrainingBatch:
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, num_examples)
    images = tf.constant(random.integers(0, 256, (num_examples, 8, 8, 1)).astype(np.uint8))
    return TrainingBatch(images, tf.one_hot(labels, 10), 6.0 * tf.one_hot(labels, 10))


def step_of(network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig, **more: Any) -> FamilyStep:
    plan = family_plan(network, training, family, SEED)
    return FamilyStep(network, plan, family, StepNumber(), **more)


def moved(network: FamilyNetwork, step: FamilyStep, active: list[str]) -> set[int]:
    before = [np.array(variable) for variable in network.whole.variables]
    step.run(batch_of(), active)
    pairs = zip(network.whole.variables, before, strict=True)
    return {id(variable) for variable, value in pairs if not np.array_equal(variable, value)}


def test_before_the_others_join_only_the_widest_moves(
    network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig
) -> None:
    step = step_of(network, training, family)
    assert step.students == ["w1_i8_exit2_2", "w0.5_i8_exit2_2"]
    assert moved(network, step, step.students[:1]) == {id(v) for v in network.views[network.widest].variables}


def test_then_the_views_of_the_turn_move_with_it(
    network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig
) -> None:
    step = step_of(network, training, family)
    turn = views_at(list(network.views), SEED, 0)
    expected = {id(v) for view in (network.widest, *turn) for v in network.views[view].variables}
    # Of a slice, the whole of its source counts as its variables.
    assert moved(network, step, step.students) <= expected
    others = [v for view in turn for v in network.views[view].non_trainable_variables]
    assert len(others) > 10


@pytest.mark.parametrize(("optimizer", "rate"), [(Optimizer.ADAMW, 0.02), (Optimizer.SGD, 0.2)])
def test_the_same_batch_is_learnt(
    network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig, optimizer: Optimizer, rate: float
) -> None:
    step = step_of(network, dataclasses.replace(training, optimizer=optimizer, learning_rate=rate), family)
    losses = np.array([step.run(batch_of(), step.students) for _ in range(12)])
    assert losses.shape == (12, 2)
    assert (losses[-1] < 0.8 * losses[0]).all()


def test_the_narrower_follow_the_widest_by_their_share(training: TrainingConfig, family: FamilyConfig) -> None:
    losses = []
    for share in (0.0, 1.0):
        keras.utils.set_random_seed(1)
        shared = dataclasses.replace(family, widest_share=share)
        step = step_of(build_family(TaskConfig(), 10, training, shared), training, shared)
        losses.append(step.run(batch_of(), step.students).numpy())
    assert losses[0][0] == pytest.approx(losses[1][0])
    assert abs(losses[0][1] - losses[1][1]) > 0.1


def test_a_live_teacher_gives_what_stored_logits_give(training: TrainingConfig, family: FamilyConfig) -> None:
    losses, stored = [], batch_of()
    for teacher in (None, lambda inputs: (stored.teacher_logits, None)):
        keras.utils.set_random_seed(1)
        step = step_of(build_family(TaskConfig(), 10, training, family), training, family, teacher=teacher)
        batch = stored if teacher is None else stored._replace(teacher_logits=tf.zeros([64, 0]))
        losses.append(step.run(batch, step.students).numpy())
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_what_is_no_number_is_found_in_every_view(
    network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig
) -> None:
    step = step_of(network, training, family)
    narrowest = network.views[View(0.5, 8)]
    narrowest.get_layer("w0.5_i8_stem_norm").beta.assign([np.nan] * 4)
    widest, others = step.run(batch_of(), step.students).numpy()
    assert np.isnan(widest)
    assert np.isnan(others)
