"""The loop: it learns, it is a function of its seed, and a killed training ends where an undisturbed one does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import (
    DistillationConfig,
    PruneConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.data.batches import TrainingData
from learn2compress.progress import Progress, listening
from learn2compress.pruning import prune_student
from learn2compress.students.joint import build_joint_network, content_sha256, standalone_student
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import TrainingDivergedError, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

PLAN = TrainingPlan("train", epochs=3, learning_rate=0.01, distillation=DistillationConfig(), seed=3, warmup_ratio=0.1)
EVERYTHING = dataclasses.replace(
    PLAN,
    gradient_clip_norm=5.0,
    weight_average_decay=0.9,
    early_stopping_epochs=2,
    joins_at_epoch={"small": 1},
    largest="large",
    distillation=DistillationConfig(largest_weight=1.0),
)
STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))


class KilledError(Exception):
    """Stands for the process ending in the middle of an epoch."""


def new_network() -> keras.Model:
    make_deterministic(5)
    return build_joint_network(TaskConfig(), 10, TrainingConfig(stages=(StageConfig(8), StageConfig(16))), STUDENTS)


def kill_at(step: int) -> Callable[[Progress], None]:
    def listener(report: Progress) -> None:
        if report.done == step:
            raise KilledError

    return listener


def test_joint_training_learns_and_keeps_history(digits_data: Callable[..., TrainingData]) -> None:
    network, data = new_network(), digits_data()
    untrained = HeldOutAccuracy.of_students(network).measure(data)
    history = fit(network, data, PLAN)
    assert set(history) == {"large", "small"}
    for name, records in history.items():
        assert [record.epoch for record in records] == [1, 2, 3]
        assert records[-1].loss < records[0].loss
        assert records[-1].held_out_top_1 > untrained[name] + 0.3
    assert HeldOutAccuracy.of_students(network).measure(data) == {
        name: records[-1].held_out_top_1 for name, records in history.items()
    }


def test_the_same_seed_gives_the_same_weights(digits_data: Callable[..., TrainingData]) -> None:
    digests = []
    for seed in (3, 3, 4):
        network = new_network()
        fit(network, digits_data(), TrainingPlan("train", 2, 0.01, DistillationConfig(), seed))
        digests.append(content_sha256(standalone_student(network, "large")))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize(("plan", "step"), [(PLAN, 3), (PLAN, 90), (EVERYTHING, 40), (EVERYTHING, 90)])
def test_a_killed_training_ends_at_the_same_weights(
    digits_data: Callable[..., TrainingData], tmp_path: Path, plan: TrainingPlan, step: int
) -> None:
    undisturbed = new_network()
    history = fit(undisturbed, digits_data(), plan)
    checkpoint = Checkpoint(tmp_path / "state")
    with listening(kill_at(step)), pytest.raises(KilledError):
        fit(new_network(), digits_data(), plan, checkpoint=checkpoint)
    resumed = new_network()
    assert fit(resumed, digits_data(), plan, checkpoint=checkpoint) == history
    for expected, found in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)


def test_a_killed_pruning_ends_at_the_same_weights(digits_data: Callable[..., TrainingData], tmp_path: Path) -> None:
    config = PruneConfig(sparsity_ratio=0.6, min_layer_weights=100)
    undisturbed = standalone_student(new_network(), "large")
    prune_student(undisturbed, "large", digits_data(), config, PLAN)
    checkpoint = Checkpoint(tmp_path / "state")
    with listening(kill_at(70)), pytest.raises(KilledError):
        prune_student(
            standalone_student(new_network(), "large"), "large", digits_data(), config, PLAN, checkpoint=checkpoint
        )
    resumed = standalone_student(new_network(), "large")
    prune_student(resumed, "large", digits_data(), config, PLAN, checkpoint=checkpoint)
    assert content_sha256(resumed) == content_sha256(undisturbed)


def test_a_damaged_checkpoint_is_not_used(digits_data: Callable[..., TrainingData], tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    fit(new_network(), digits_data(), PLAN, checkpoint=checkpoint)
    (saved,) = tmp_path.iterdir()
    saved.write_bytes(saved.read_bytes()[:1000])
    assert checkpoint.restore(new_network().variables) is None
    checkpoint.discard()
    assert not tmp_path.exists()


def test_divergence_is_reported_with_its_step_and_not_trained_through(
    digits_data: Callable[..., TrainingData], tmp_path: Path
) -> None:
    network, checkpoint = new_network(), Checkpoint(tmp_path / "state")
    kernel = network.get_layer("stage1_conv1").kernel

    def break_at(report: Progress) -> None:
        if report.done == 40:
            kernel.assign(np.full(kernel.shape, np.nan, np.float32))

    with listening(break_at), pytest.raises(TrainingDivergedError, match="'large': the loss is nan in step 41 of 96"):
        fit(network, digits_data(), PLAN, checkpoint=checkpoint)
    history = checkpoint.restore([*new_network().variables])
    assert history is not None
    assert [record.epoch for record in history["large"]] == [1]


def test_learning_rate_warms_up_and_falls_to_zero() -> None:
    shares = [PLAN.schedule(step, 100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == pytest.approx(1.0)
    assert shares.index(max(shares)) in (9, 10)
    assert shares[100] == pytest.approx(0.0)


def test_a_student_that_joins_later_stands_still_until_then(digits_data: Callable[..., TrainingData]) -> None:
    network, plan = new_network(), dataclasses.replace(PLAN, joins_at_epoch={"small": 2}, epochs=3)
    own = {layer.name: layer.get_weights() for layer in network.layers if layer.name.startswith("small_")}
    moved: list[bool] = []

    def compare(report: Progress) -> None:
        if report.done in (64, 96):
            now = [network.get_layer(name).get_weights() for name in own]
            pairs = zip(own.values(), now, strict=True)
            moved.append(any(not np.array_equal(a, b) for old, new in pairs for a, b in zip(old, new, strict=True)))

    with listening(compare):
        history = fit(network, digits_data(), plan)
    assert moved == [False, True]
    assert [record.epoch for record in history["small"]] == [3]
    assert [record.epoch for record in history["large"]] == [1, 2, 3]


def test_the_averaged_weights_leave_the_training(digits_data: Callable[..., TrainingData]) -> None:
    plain, averaged = new_network(), new_network()
    fit(plain, digits_data(), PLAN)
    history = fit(averaged, digits_data(), dataclasses.replace(PLAN, weight_average_decay=0.95))
    assert any(not np.array_equal(a, b) for a, b in zip(plain.get_weights(), averaged.get_weights(), strict=True))
    accuracy = HeldOutAccuracy.of_students(averaged).measure(digits_data())
    assert accuracy == {name: records[-1].held_out_top_1 for name, records in history.items()}


def test_early_stopping_keeps_the_best_epoch(digits_data: Callable[..., TrainingData]) -> None:
    network = new_network()
    fit(network, digits_data(), dataclasses.replace(PLAN, epochs=1))

    def forget(report: Progress) -> None:
        if report.done == 40:
            for name in ("large_logits", "small_logits"):
                kernel = network.get_layer(name).kernel
                kernel.assign(np.zeros(kernel.shape, np.float32))

    with listening(forget):
        slow = dataclasses.replace(PLAN, epochs=8, learning_rate=1e-6, early_stopping_epochs=2)
        history = fit(network, digits_data(), slow)
    assert [record.epoch for record in history["large"]] == [1, 2, 3]
    assert history["large"][1].held_out_top_1 < history["large"][0].held_out_top_1 - 0.3
    accuracy = HeldOutAccuracy.of_students(network).measure(digits_data())
    assert accuracy == {name: records[0].held_out_top_1 for name, records in history.items()}


def test_early_stopping_is_a_function_of_the_history() -> None:
    plan = dataclasses.replace(PLAN, early_stopping_epochs=2)
    assert not plan.stops([])
    assert not plan.stops([0.5, 0.4])
    assert plan.stops([0.5, 0.4, 0.5])
    assert not plan.stops([0.5, 0.4, 0.6])
    assert not PLAN.stops([0.5, 0.1, 0.1, 0.1])


def test_clipping_bounds_what_a_step_moves(digits_data: Callable[..., TrainingData]) -> None:
    weights = []
    for norm in (None, 1e-9):
        network = new_network()
        # Adam's step does not depend on the gradient's length, unless it is lost in epsilon.
        fit(network, digits_data(), dataclasses.replace(PLAN, epochs=1, gradient_clip_norm=norm))
        weights.append(network.get_layer("large_logits").get_weights()[0])
    start = new_network().get_layer("large_logits").get_weights()[0]
    assert np.abs(weights[1] - start).max() < 0.1 * np.abs(weights[0] - start).max()


def test_frozen_layers_stand_still(digits_data: Callable[..., TrainingData]) -> None:
    network = new_network()
    before = network.get_layer("stage1_conv1").get_weights()[0], network.get_layer("stage1_norm1").get_weights()
    frozen = frozenset({"stage1_conv1", "stage1_norm1"})
    fit(network, digits_data(), dataclasses.replace(PLAN, epochs=2), frozen_at=lambda epoch: frozen)
    np.testing.assert_array_equal(network.get_layer("stage1_conv1").get_weights()[0], before[0])
    for old, new in zip(before[1], network.get_layer("stage1_norm1").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(
        network.get_layer("stage2_conv1").get_weights()[0], new_network().get_layer("stage2_conv1").get_weights()[0]
    )
    fit(network, digits_data(), dataclasses.replace(PLAN, epochs=1), frozen_at=lambda epoch: frozenset())
    assert not np.array_equal(network.get_layer("stage1_conv1").get_weights()[0], before[0])
