from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learn2compress.config import StudentViews, TeacherConfig, TeacherSignal, TeacherTraining
from learn2compress.steps.training_inputs import TeacherUse, TrainingInputs


def test_opening_makes_what_follows_a_function_of_the_seed(opened: Callable[..., TrainingInputs]) -> None:
    import keras

    drawn = []
    for _ in range(2):
        opened()
        drawn.append((np.random.random(), keras.layers.Dense(3).kernel_initializer((4, 3)).numpy().tobytes()))
    assert drawn[0] == drawn[1]


def test_batches_have_the_logits_beside_the_examples(opened: Callable[..., TrainingInputs]) -> None:
    inputs = opened()
    batch = next(iter(inputs.data.epoch(1, 0)))
    assert batch.inputs.shape == (32, 8, 8, 1)
    agreeing = (batch.teacher_logits.numpy().argmax(axis=1) == batch.targets.numpy().argmax(axis=1)).mean()
    assert agreeing > 0.9
    assert inputs.teacher is None


def test_the_sample_is_of_training_examples(opened: Callable[..., TrainingInputs]) -> None:
    assert len(opened().sample(10).labels) == 512


def test_each_name_has_a_checkpoint_of_its_own(opened: Callable[..., TrainingInputs]) -> None:
    assert opened("one").checkpoint.folder != opened("two").checkpoint.folder


def test_what_trainings_use_of_a_teacher_is_not_where_it_is() -> None:
    fixed = TeacherConfig("a.keras", student_views=StudentViews.FRESH)
    assert TeacherUse.of(fixed) == TeacherUse.of(TeacherConfig("b.keras", student_views=StudentViews.FRESH))
    assert TeacherUse.of(fixed).learning_rate is None
    assert TeacherUse.of(TeacherConfig("a.keras", signal=TeacherSignal.LIVE)).is_live
    assert TeacherUse.of(TeacherConfig("a.keras", training=TeacherTraining.JOINT)).learning_rate == 0.0001
