"""A family trains, joins its narrower sub-networks, and is the same after a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from learn2compress.config import FamilyConfig, TaskConfig, TrainingConfig
from learn2compress.data.batches import TrainingData
from learn2compress.families.network import FamilyNetwork, build_family
from learn2compress.families.training import family_plan, joining_epoch, train_family
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import Training, make_deterministic

SEED = 3


class KilledError(Exception):
    """As a process that ends between two epochs."""


def test_the_narrower_join_after_their_share(training: TrainingConfig, family: FamilyConfig) -> None:
    assert joining_epoch(training, family) == 1


@pytest.fixture(scope="module")
def trained(
    training: TrainingConfig, family: FamilyConfig, digits_data: Callable[..., TrainingData]
) -> tuple[FamilyNetwork, dict]:  # type: ignore[type-arg]
    make_deterministic(SEED)
    network = build_family(TaskConfig(), 10, training, family)
    plan = family_plan(network, training, family, SEED)
    return network, train_family(network, digits_data(batch_size=64), plan, family)


def test_both_ends_learn(trained: tuple[FamilyNetwork, dict]) -> None:  # type: ignore[type-arg]
    network, history = trained
    widest, narrowest = history["w1_i8_exit2_2"], history["w0.5_i8_exit2_2"]
    assert [record.epoch for record in widest] == [1, 2, 3, 4]
    assert [record.epoch for record in narrowest] == [2, 3, 4]
    assert widest[-1].held_out_top_1 > 0.6
    assert narrowest[-1].loss < narrowest[0].loss
    assert len(network.whole.output) == 12


def test_a_killed_training_ends_as_one_that_was_not(
    trained: tuple[FamilyNetwork, dict],  # type: ignore[type-arg]
    training: TrainingConfig,
    family: FamilyConfig,
    digits_data: Callable[..., TrainingData],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkpoint = Checkpoint(tmp_path)
    evaluate = Training._evaluate

    def killed_after_two(self: Training, epoch: int, losses: dict[str, float]) -> None:
        if epoch == 1:
            raise KilledError
        evaluate(self, epoch, losses)

    def again() -> FamilyNetwork:
        make_deterministic(SEED)
        network = build_family(TaskConfig(), 10, training, family)
        plan = family_plan(network, training, family, SEED)
        train_family(network, digits_data(batch_size=64), plan, family, checkpoint=checkpoint)
        return network

    with monkeypatch.context() as patched:
        patched.setattr(Training, "_evaluate", killed_after_two)
        with pytest.raises(KilledError):
            again()
    for one, other in zip(again().whole.get_weights(), trained[0].whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
