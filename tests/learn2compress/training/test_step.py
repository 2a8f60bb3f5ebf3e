"""A step runs each network once, and gradients go where they should and nowhere else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import (
    DistillationConfig,
    Optimizer,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TeacherConfig,
    TrainingConfig,
)
from learn2compress.data.batches import TrainingBatch, TrainingData
from learn2compress.progress import Progress, listening
from learn2compress.results.reports import returned_epoch
from learn2compress.students.joint import build_joint_network
from learn2compress.students.unsharing import unshared_network
from learn2compress.teachers.live import LiveTeacher
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.stored import store_copies
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import Training, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.sgd import Sgd
from learn2compress.training.step import TEACHER, TrainStep

STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))
LARGEST = DistillationConfig(weight=0.0, label_weight=0.0, largest_weight=1.0)
BATCH = TrainingBatch(
    np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), np.uint8),
    np.eye(10, dtype=np.float32)[np.arange(16) % 10],
    np.random.default_rng(1).normal(size=(16, 10)).astype(np.float32),
)


def new_network() -> keras.Model:
    make_deterministic(5)
    training = TrainingConfig(stages=(StageConfig(8), StageConfig(16)))
    return build_joint_network(TaskConfig(), 10, training, STUDENTS)


@pytest.fixture
def teacher(tmp_path: Path) -> LiveTeacher:
    keras.utils.set_random_seed(2)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    path = tmp_path / "model.keras"
    model.save(path)
    config = TeacherConfig(str(path))
    (tmp_path / "stored").mkdir()
    store_copies(tmp_path / "stored", [path], load_teacher([path], config, TaskConfig(), 10).members)
    return LiveTeacher.load(tmp_path / "stored", TaskConfig(), 10)


def moved(before: dict[str, list[np.ndarray]], network: keras.Model, prefix: str) -> bool:
    return any(
        not np.array_equal(old, new)
        for name, weights in before.items()
        if name.startswith(prefix)
        for old, new in zip(weights, network.get_layer(name).get_weights(), strict=True)
    )


def weights_of(network: keras.Model) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in network.layers}


def test_the_largest_student_teaches_the_others_and_learns_nothing_from_them() -> None:
    network = new_network()
    before = weights_of(network)
    losses = TrainStep(network, LARGEST, learning_rate=0.1, largest="large").run(BATCH, ["large", "small"])
    assert float(losses[0]) == 0.0
    assert float(losses[1]) > 0.0
    assert moved(before, network, "small_logits")
    assert not moved(before, network, "large_logits")


def test_students_follow_the_mean_of_those_that_take_part(teacher: LiveTeacher) -> None:
    exits = DistillationConfig(weight=1.0, label_weight=0.0, exits_weight=1.0)
    other = BATCH._replace(teacher_logits=-BATCH.teacher_logits)

    def losses(batch: TrainingBatch, active: list[str], live: LiveTeacher | None = None) -> np.ndarray:
        return TrainStep(new_network(), exits, learning_rate=0.1, teacher=live).run(batch, active).numpy()

    both = losses(BATCH, ["large", "small"])
    assert both.min() > 0.0
    # The exits alone are the target: whatever a teacher says, stored or live.
    np.testing.assert_array_equal(losses(other, ["large", "small"]), both)
    np.testing.assert_array_equal(losses(BATCH, ["large", "small"], teacher), both)
    # Before the others join there is nobody to follow but the teacher.
    assert losses(other, ["large"])[0] != losses(BATCH, ["large"])[0]


def test_a_student_that_takes_no_part_keeps_its_weights_though_they_decay() -> None:
    network = new_network()
    before = weights_of(network)
    step = TrainStep(network, DistillationConfig(), learning_rate=0.1, weight_decay=0.1)
    assert step.run(BATCH, ["large"]).shape == (1,)
    assert moved(before, network, "large_")
    assert not moved(before, network, "small_")


def test_loss_weights_scale_gradients_and_not_the_losses_reported() -> None:
    reported, moves = [], []
    for weight in (1.0, 1e-12):
        network = new_network()
        before = weights_of(network)
        step = TrainStep(network, DistillationConfig(), learning_rate=0.1, loss_weights={"small": weight})
        reported.append(step.run(BATCH, ["large", "small"]).numpy())
        moves.append(np.abs(network.get_layer("small_logits").get_weights()[0] - before["small_logits"][0]).max())
    np.testing.assert_array_equal(reported[0], reported[1])
    # Adam forgets a gradient's scale, but not one that is lost in its epsilon.
    assert moves[1] < 0.01 * moves[0]


def test_sgd_makes_the_same_step_whatever_the_losses_weigh_in_all() -> None:
    kernels = []
    for scale in (1.0, 10.0):
        network, config = new_network(), DistillationConfig(weight=3.0 * scale, label_weight=scale)
        before = weights_of(network)
        step = TrainStep(network, config, learning_rate=0.1, optimizer=Optimizer.SGD)
        step.run(BATCH, ["large", "small"])
        assert moved(before, network, "large_logits")
        kernels.append(network.get_layer("large_logits").get_weights()[0])
    np.testing.assert_allclose(kernels[0], kernels[1], atol=1e-6)


def test_a_teacher_beside_students_of_sgd_has_adamw(teacher: LiveTeacher) -> None:
    network, before = new_network(), [variable.numpy() for variable in teacher.trainable_variables]
    step = TrainStep(
        network, DistillationConfig(), learning_rate=0.01, teacher=teacher, train_teacher=True, optimizer=Optimizer.SGD
    )
    step.run(BATCH._replace(teacher_logits=np.zeros((16, 0), np.float32)), ["large", "small"])
    # The first step of Adam is the learning rate, whatever the gradient.
    moves = [np.abs(new.numpy() - old).max() for new, old in zip(teacher.trainable_variables, before, strict=True)]
    assert max(moves) == pytest.approx(0.01, rel=0.01)
    assert isinstance(step.optimizer, Sgd)


def test_a_fixed_live_teacher_gives_what_cached_logits_give(teacher: LiveTeacher) -> None:
    weights = []
    for live in (False, True):
        network = new_network()
        logits = teacher(BATCH.inputs)[0].numpy()
        batch = BATCH._replace(teacher_logits=np.zeros((16, 0), np.float32) if live else logits)
        step = TrainStep(network, DistillationConfig(), learning_rate=0.01, teacher=teacher if live else None)
        step.run(batch, ["large", "small"])
        weights.append(network.get_layer("large_logits").get_weights()[0])
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-5)


def test_a_teacher_that_is_trained_jointly_learns_from_the_labels_alone(teacher: LiveTeacher) -> None:
    kernels = []
    for weight in (0.0, 1000.0):
        network, start = new_network(), [variable.numpy() for variable in teacher.variables]
        config = DistillationConfig(weight=weight)
        step = TrainStep(network, config, learning_rate=0.01, teacher=teacher, train_teacher=True)
        losses = step.run(BATCH, ["large", "small"])
        assert step.losses_of(["large", "small"]) == ["large", "small", TEACHER]
        assert losses.shape == (3,)
        kernels.append([variable.numpy() for variable in teacher.trainable_variables])
        assert any(not np.array_equal(old, new) for old, new in zip(start, kernels[-1], strict=False))
        for variable, value in zip(teacher.variables, start, strict=True):
            variable.assign(value)
    # However much the students want it elsewhere, it goes where the labels say.
    for without, with_students in zip(*kernels, strict=True):
        np.testing.assert_allclose(without, with_students, atol=1e-6)


def test_hints_pull_features_through_a_projection_that_learns(teacher: LiveTeacher) -> None:
    network = new_network()
    config = DistillationConfig(weight=0.0, label_weight=0.0, hint_weight=1.0)
    step = TrainStep(network, config, learning_rate=0.01, teacher=teacher)
    losses = [step.run(BATCH, ["large", "small"]).numpy().sum() for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    # The projections are no part of the network that leaves.
    assert not any("hint" in layer.name for layer in network.layers)


def test_hints_without_a_teacher_that_gives_features_are_refused() -> None:
    with pytest.raises(ValueError, match="found hint_weight and no teacher that gives features"):
        TrainStep(new_network(), DistillationConfig(hint_weight=1.0), learning_rate=0.1)


def test_on_another_network_the_students_optimizer_begins_anew_and_all_else_goes_on(teacher: LiveTeacher) -> None:
    config = DistillationConfig(hint_weight=1.0)
    step = TrainStep(new_network(), config, learning_rate=0.01, teacher=teacher, train_teacher=True)
    for _ in range(3):
        step.run(BATCH, ["large", "small"])
    other = step.on_network(unshared_network(new_network()))
    assert step.optimizer.num_steps.numpy().max() == 3
    assert other.optimizer.num_steps.numpy().max() == 0
    kernel = step._hints["large"].kernel.numpy()
    other.run(BATCH, ["large", "small"])
    assert not np.array_equal(step._hints["large"].kernel.numpy(), kernel)
    assert other.teacher_optimizer is step.teacher_optimizer
    assert other.teacher_optimizer.num_steps.numpy().max() == 4


def test_early_stopping_keeps_the_best_epoch_of_a_teacher_that_learns(
    digits_data: Callable[..., TrainingData], teacher: LiveTeacher
) -> None:
    data = digits_data(live=True, num_validation=64)
    learning = TrainingPlan("train", 6, 0.01, DistillationConfig(), 3, teacher_learning_rate=0.01)
    fit(new_network(), data, learning, teacher=teacher)
    plan = dataclasses.replace(learning, epochs=4, teacher_learning_rate=1e-9, early_stopping_epochs=3)
    kernel = teacher.trainable_variables[-2]

    def forget(report: Progress) -> None:
        # In the last of four epochs of 28 steps.
        if report.done == 90:
            kernel.assign(np.zeros(kernel.shape, np.float32))

    training = Training(new_network(), data, plan, teacher=teacher)
    with listening(forget):
        for _ in training.epochs():
            pass
    history = training.finish()
    returned = returned_epoch(history[TEACHER])
    assert returned.epoch < 4
    assert returned.validation_top_1 == max(record.validation_top_1 or 0.0 for record in history[TEACHER])
    training.assign_weights_of(TEACHER)
    assert kernel.numpy().any()
    accuracy = HeldOutAccuracy(lambda inputs: {TEACHER: teacher(inputs)[0]})
    assert accuracy.measure(data)[TEACHER] == returned.held_out_top_1


@pytest.mark.parametrize("unshared_from_epoch", [None, 1])
def test_joint_training_with_everything_resumes_to_the_same_weights(
    digits_data: Callable[..., TrainingData], teacher: LiveTeacher, tmp_path: Path, unshared_from_epoch: int | None
) -> None:
    start = [variable.numpy() for variable in teacher.variables]
    config = DistillationConfig(hint_weight=0.1, largest_weight=0.1, label_smoothing=0.1, exits_weight=0.3)
    plan = TrainingPlan("train", 3, 0.01, config, 3, largest="large", teacher_learning_rate=0.001)
    plan = dataclasses.replace(plan, unshared_from_epoch=unshared_from_epoch)
    results = []
    for checkpoint in (None, Checkpoint(tmp_path / "state")):
        for variable, value in zip(teacher.variables, start, strict=True):
            variable.assign(value)
        network = new_network()
        if checkpoint is not None:
            # Two epochs of three, then a new process would begin here.
            epochs = Training(network, digits_data(live=True), plan, teacher=teacher).epochs(checkpoint)
            assert [next(epochs), next(epochs)] == [1, 2]
            network = new_network()
            for variable, value in zip(teacher.variables, start, strict=True):
                variable.assign(value)
        training = Training(network, digits_data(live=True), plan, teacher=teacher)
        for _ in training.epochs(checkpoint):
            pass
        weights = [variable.numpy() for variable in teacher.variables]
        results.append((training.finish(), training.network.get_weights(), weights))
    assert set(results[0][0]) == {"large", "small", TEACHER}
    assert results[0][0] == results[1][0]
    for first, second in zip([*results[0][1], *results[0][2]], [*results[1][1], *results[1][2]], strict=True):
        np.testing.assert_array_equal(first, second)
