"""The loop: it learns, it is a function of its seed, and a killed training ends where an undisturbed one does."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import (
    DistillationConfig,
    Optimizer,
    PruneConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.data.batches import TrainingData
from learn2compress.progress import Progress, listening
from learn2compress.pruning import prune_student
from learn2compress.results.reports import EpochRecord, returned_epoch
from learn2compress.students.joint import build_joint_network, content_sha256, standalone_student
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import Training, TrainingDivergedError, fit, make_deterministic
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
UNSHARED = dataclasses.replace(EVERYTHING, epochs=4, unshared_from_epoch=2)
BY_SGD = dataclasses.replace(
    PLAN, optimizer=Optimizer.SGD, learning_rate=0.1, weight_decay=0.0005, batch_norm_bias_rate=8.0
)
AHEAD = dataclasses.replace(PLAN, lookahead_steps=4, lookahead_decay=0.9)
STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))


class KilledError(Exception):
    """Stands for the process ending in the middle of an epoch."""


def new_network() -> keras.Model:
    make_deterministic(5)
    return build_joint_network(TaskConfig(), 10, TrainingConfig(stages=(StageConfig(8), StageConfig(16))), STUDENTS)


def train(
    network: keras.Model,
    data: TrainingData,
    plan: TrainingPlan,
    checkpoint: Checkpoint | None = None,
    frozen_at: Callable[[int], frozenset[str]] | None = None,
) -> tuple[dict[str, tuple[EpochRecord, ...]], dict[str, list[np.ndarray]]]:
    """Trains, and gives the history and the weights that each student leaves with."""
    training = Training(network, data, plan, frozen_at=frozen_at)
    for _ in training.epochs(checkpoint):
        pass
    history, weights = training.finish(), {}
    for name in network.output:
        training.assign_weights_of(name)
        weights[name] = standalone_student(training.network, name).get_weights()
    return history, weights


def releasing(epoch: int) -> Callable[[int], frozenset[str]]:
    """Freezes the first layer until an epoch."""
    return lambda now: frozenset({"stage1_conv1", "stage1_norm1"} if now < epoch else ())


def kill_at(step: int) -> Callable[[Progress], None]:
    def listener(report: Progress) -> None:
        if report.done == step:
            raise KilledError

    return listener


@pytest.mark.parametrize("plan", [PLAN, BY_SGD, AHEAD])
def test_joint_training_learns_and_keeps_history(digits_data: Callable[..., TrainingData], plan: TrainingPlan) -> None:
    network, data = new_network(), digits_data()
    untrained = HeldOutAccuracy.of_students(network).measure(data)
    history = fit(network, data, plan)
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


KILLED_PLANS = {"plain": PLAN, "everything": EVERYTHING, "unshared": UNSHARED, "by_sgd": BY_SGD, "ahead": AHEAD}


@pytest.fixture(scope="module")
def trainings_to_the_end(digits_data: Callable[..., TrainingData]) -> Callable[[str], Any]:
    """Trains by one of `KILLED_PLANS` without a kill, once for all kills."""

    @functools.cache
    def trained(name: str) -> tuple[dict[str, tuple[EpochRecord, ...]], dict[str, list[np.ndarray]]]:
        frozen_at = None if name == "plain" else releasing(1)
        return train(new_network(), digits_data(num_validation=64), KILLED_PLANS[name], frozen_at=frozen_at)

    return trained


# Of "everything", "unshared" does the same until it shares no more in step 64.
@pytest.mark.parametrize(
    ("name", "step"),
    [
        *(("plain", step) for step in (3, 80)),
        ("everything", 80),
        *(("unshared", step) for step in (40, 70, 100)),
        ("by_sgd", 60),
        ("ahead", 60),
    ],
)
def test_a_killed_training_ends_at_the_same_weights(
    digits_data: Callable[..., TrainingData],
    trainings_to_the_end: Callable[[str], Any],
    tmp_path: Path,
    name: str,
    step: int,
) -> None:
    data, plan = digits_data(num_validation=64), KILLED_PLANS[name]
    frozen_at = None if name == "plain" else releasing(1)
    history, weights = trainings_to_the_end(name)
    checkpoint = Checkpoint(tmp_path / "state")
    with listening(kill_at(step)), pytest.raises(KilledError):
        train(new_network(), data, plan, checkpoint, frozen_at)
    resumed, resumed_weights = train(new_network(), data, plan, checkpoint, frozen_at)
    assert resumed == history
    for student, expected in weights.items():
        for one, other in zip(expected, resumed_weights[student], strict=True):
            np.testing.assert_array_equal(one, other)


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("unshared_from_epoch", [None, 1])
def test_students_that_share_no_more_train_as_if_there_were_no_others(
    digits_data: Callable[..., TrainingData], tmp_path: Path, unshared_from_epoch: int | None
) -> None:
    plan = dataclasses.replace(PLAN, epochs=2, unshared_from_epoch=unshared_from_epoch)
    found = []
    for weight in (1.0, 0.01):
        # One epoch together, the same in both; then the small one is less important in one of them.
        checkpoint = Checkpoint(tmp_path / str(weight))
        next(Training(new_network(), digits_data(), plan).epochs(checkpoint))
        found.append(
            train(new_network(), digits_data(), dataclasses.replace(plan, loss_weights={"small": weight}), checkpoint)
        )
    (history, weights), (_, others) = found
    assert [record.epoch for record in history["large"]] == [1, 2]
    assert same(weights["large"], others["large"]) is (unshared_from_epoch is not None)


def test_the_schedule_goes_on_where_sharing_ends(digits_data: Callable[..., TrainingData]) -> None:
    shared, weights = train(new_network(), digits_data(), PLAN)
    unshared, own = train(new_network(), digits_data(), dataclasses.replace(PLAN, unshared_from_epoch=2))
    for name in ("large", "small"):
        assert unshared[name][:2] == shared[name][:2]
        assert unshared[name][2].learning_rate == shared[name][2].learning_rate
        assert unshared[name][2].loss < unshared[name][1].loss
        assert not same(own[name], weights[name])


def test_one_student_alone_shares_nothing_to_begin_with(digits_data: Callable[..., TrainingData]) -> None:
    training = TrainingConfig(stages=(StageConfig(8),))
    digests = []
    for unshared_from_epoch in (None, 1):
        make_deterministic(5)
        network = build_joint_network(TaskConfig(), 10, training, STUDENTS[1:])
        fit(network, digits_data(), dataclasses.replace(PLAN, epochs=2, unshared_from_epoch=unshared_from_epoch))
        digests.append(content_sha256(standalone_student(network, "small")))
    assert digests[0] == digests[1]


def test_layers_stay_frozen_where_sharing_ends(digits_data: Callable[..., TrainingData]) -> None:
    network, frozen = new_network(), frozenset({"stage1_conv1", "stage1_norm1"})
    before = network.get_layer("stage1_conv1").get_weights()
    plan = dataclasses.replace(PLAN, epochs=2, unshared_from_epoch=1)
    training = Training(network, digits_data(), plan, frozen_at=lambda epoch: frozen)
    assert list(training.epochs()) == [1, 2]
    training.finish()
    for student in ("large", "small"):
        assert same(training.network.get_layer(f"{student}.stage1_conv1").get_weights(), before)
    assert all(layer.trainable for layer in training.network.layers)


def test_a_student_may_leave_with_an_epoch_from_before_sharing_ended(digits_data: Callable[..., TrainingData]) -> None:
    data = digits_data(num_validation=128)
    start = new_network()
    fit(start, data, dataclasses.replace(PLAN, epochs=1))
    plan = dataclasses.replace(PLAN, epochs=4, learning_rate=1e-6, early_stopping_epochs=2, unshared_from_epoch=2)
    training = Training(start, data, plan)
    with listening(lambda report: forgetting(training.network, {"large": 50})(report)):
        for _ in training.epochs():
            pass
    history = training.finish()
    large = returned_epoch(history["large"])
    assert large.epoch <= 2
    assert history["large"][2].held_out_top_1 < large.held_out_top_1 - 0.3
    for name in ("large", "small"):
        training.assign_weights_of(name)
        accuracy = HeldOutAccuracy.of_students(training.network).measure(data)
        assert accuracy[name] == returned_epoch(history[name]).held_out_top_1


def test_students_that_share_no_more_are_not_left_in_the_network_that_was_given(
    digits_data: Callable[..., TrainingData],
) -> None:
    with pytest.raises(ValueError, match="found unshared_from_epoch with several students"):
        fit(new_network(), digits_data(), dataclasses.replace(PLAN, unshared_from_epoch=2))


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


def test_a_student_that_joins_later_keeps_its_weights_until_then(digits_data: Callable[..., TrainingData]) -> None:
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


def test_lookahead_trains_other_weights_and_leaves_with_them(digits_data: Callable[..., TrainingData]) -> None:
    plain, ahead = new_network(), new_network()
    fit(plain, digits_data(), PLAN)
    history = fit(ahead, digits_data(), AHEAD)
    assert all(not np.array_equal(a, b) for a, b in zip(plain.get_weights(), ahead.get_weights(), strict=True))
    accuracy = HeldOutAccuracy.of_students(ahead).measure(digits_data())
    assert accuracy == {name: records[-1].held_out_top_1 for name, records in history.items()}


def forgetting(network: keras.Model, at_step: dict[str, int]) -> Callable[[Progress], None]:
    """Makes students forget all that they know, each after a step of its own."""

    def listener(report: Progress) -> None:
        for name, step in at_step.items():
            if report.done == step:
                kernel = network.get_layer(f"{name}_logits").kernel
                kernel.assign(np.zeros(kernel.shape, np.float32))

    return listener


def test_early_stopping_keeps_the_best_epoch_of_each_student(digits_data: Callable[..., TrainingData]) -> None:
    network, data = new_network(), digits_data(num_validation=128)
    fit(network, data, dataclasses.replace(PLAN, epochs=1))
    slow = dataclasses.replace(PLAN, epochs=8, learning_rate=1e-6, early_stopping_epochs=2)
    training = Training(network, data, slow)
    # The large one in the second epoch of 24 steps, the small one in the first.
    with listening(forgetting(network, {"large": 30, "small": 10})):
        for _ in training.epochs():
            pass
    history = training.finish()
    assert [record.epoch for record in history["large"]] == [1, 2, 3]
    assert history["large"][1].held_out_top_1 < history["large"][0].held_out_top_1 - 0.3
    for name in ("large", "small"):
        training.assign_weights_of(name)
        accuracy = HeldOutAccuracy.of_students(network)
        returned = returned_epoch(history[name])
        assert accuracy.measure(data)[name] == returned.held_out_top_1
        assert accuracy.measure_validation(data)[name] == returned.validation_top_1
        assert returned.validation_top_1 == max(record.validation_top_1 or 0.0 for record in history[name])
    assert returned_epoch(history["large"]).epoch == 1


@pytest.mark.parametrize("change", ["join", "release"])
def test_patience_counts_from_the_last_join_or_release(digits_data: Callable[..., TrainingData], change: str) -> None:
    network, data = new_network(), digits_data(num_validation=128)
    for name in ("large", "small"):
        kernel = network.get_layer(f"{name}_logits").kernel
        kernel.assign(np.zeros(kernel.shape, np.float32))
    untrained = {name: standalone_student(network, name).get_weights() for name in ("large", "small")}
    # Nothing gets better: each epoch's accuracy is that of the first. Statistics alone move.
    plan = dataclasses.replace(PLAN, epochs=6, learning_rate=0.0, early_stopping_epochs=1)
    if change == "join":
        plan = dataclasses.replace(plan, joins_at_epoch={"small": 3})
    history, weights = train(network, data, plan, frozen_at=releasing(3) if change == "release" else None)
    assert [record.epoch for record in history["large"]] == [1, 2, 3, 4, 5]
    assert [record.epoch for record in history["small"]] == ([4, 5] if change == "join" else [1, 2, 3, 4, 5])
    assert returned_epoch(history["small"]).epoch == history["small"][0].epoch
    # What the small one leaves with is of an epoch in which it took part.
    for name, before in untrained.items():
        assert any(not np.array_equal(old, new) for old, new in zip(before, weights[name], strict=True))


def test_early_stopping_goes_by_examples_kept_back_and_says_so(digits_data: Callable[..., TrainingData]) -> None:
    plan = dataclasses.replace(PLAN, epochs=1, early_stopping_epochs=2)
    with pytest.raises(ConfigError, match="early_stopping_epochs: found 0 labelled examples kept back"):
        Training(new_network(), digits_data(), plan)
    network, data = new_network(), digits_data(num_validation=64)
    history, _ = train(network, data, plan)
    accuracy = HeldOutAccuracy.of_students(network)
    (record,) = history["large"]
    assert record.validation_top_1 == accuracy.measure_validation(data)["large"]
    assert record.held_out_top_1 == accuracy.measure(data)["large"]
    (record,) = fit(new_network(), digits_data(), dataclasses.replace(PLAN, epochs=1))["large"]
    assert record.validation_top_1 is None


def test_several_students_that_may_stop_early_are_not_left_in_one_network(
    digits_data: Callable[..., TrainingData],
) -> None:
    plan = dataclasses.replace(PLAN, early_stopping_epochs=2)
    with pytest.raises(ValueError, match="found early stopping of several students"):
        fit(new_network(), digits_data(num_validation=64), plan)


def test_each_phase_has_an_order_of_its_own(digits_data: Callable[..., TrainingData]) -> None:
    data = digits_data()
    plans = [dataclasses.replace(PLAN, phase=phase, seed=seed) for phase in ("train", "prune") for seed in (3, 4)]
    firsts = [next(iter(data.epoch(plan.data_seed, 0))).inputs.numpy().tobytes() for plan in plans]
    assert len(set(firsts)) == 4
    assert next(iter(data.epoch(plans[0].data_seed, 0))).inputs.numpy().tobytes() == firsts[0]
    networks = [new_network() for _ in range(3)]
    for network, phase in zip(networks, ("train", "train", "prune"), strict=True):
        fit(network, data, dataclasses.replace(PLAN, phase=phase, epochs=1))
    digests = [content_sha256(standalone_student(network, "large")) for network in networks]
    assert digests[0] == digests[1] != digests[2]


def test_a_student_that_joins_late_makes_steps_of_the_usual_size(digits_data: Callable[..., TrainingData]) -> None:
    sizes = {}
    for joins in (0, 4):
        network = new_network()
        plan = dataclasses.replace(PLAN, epochs=6, warmup_ratio=0.0, joins_at_epoch={"small": joins})
        kernel, moves, before = network.get_layer("small_logits").kernel, [], []

        def measure(report: Progress, kernel: Any = kernel, moves: Any = moves, before: Any = before) -> None:
            now = kernel.numpy()
            if before:
                moves.append(np.abs(now - before[-1]).max())
            before[:] = [now]

        with listening(measure):
            fit(network, digits_data(), plan)
        first = 32 * joins
        rates = [PLAN.learning_rate * plan.schedule(step, 6 * 32) for step in range(first, first + 30)]
        # What is heard after a step is the kernel as the step left it.
        sizes[joins] = float(np.max(np.array(moves[first : first + 29]) / rates[1:30]))
    assert sizes[0] < 1.3
    assert sizes[4] < 1.3


def test_clipping_bounds_what_a_step_moves(digits_data: Callable[..., TrainingData]) -> None:
    weights = []
    for norm in (None, 1e-9):
        network = new_network()
        # Adam's step does not depend on the gradient's length, unless it is lost in epsilon.
        fit(network, digits_data(), dataclasses.replace(PLAN, epochs=1, gradient_clip_norm=norm))
        weights.append(network.get_layer("large_logits").get_weights()[0])
    start = new_network().get_layer("large_logits").get_weights()[0]
    assert np.abs(weights[1] - start).max() < 0.1 * np.abs(weights[0] - start).max()


def test_frozen_layers_keep_their_weights(digits_data: Callable[..., TrainingData]) -> None:
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


def test_weights_that_are_changed_between_epochs_begin_with_moments_and_averages_of_their_own(
    digits_data: Callable[..., TrainingData],
) -> None:
    network, plan = new_network(), dataclasses.replace(PLAN, weight_average_decay=0.9, lookahead_steps=4)

    def before_epoch(epoch: int) -> bool:
        if epoch == 1:
            for variable in network.trainable_variables:
                variable.assign(keras.ops.flip(variable, axis=-1))
        return epoch == 1

    training = Training(network, digits_data(), plan, before_epoch=before_epoch)
    next(training.epochs())
    assert np.all(np.array(training._step.optimizer.num_steps) > 0)
    weights = [np.array(variable) for variable in network.variables]
    assert before_epoch(1)
    training._begin_anew()
    assert not np.any(np.array(training._step.optimizer.num_steps))
    for keeper in (training._average, training._lookahead):
        assert keeper is not None
        for copy, variable in zip(keeper.copies, network.variables, strict=True):
            np.testing.assert_array_equal(copy, variable)
    changed = [not np.array_equal(v, w) for v, w in zip(network.variables, weights, strict=True)]
    assert any(changed)
