"""Which training examples choices are made by, and which of them nobody trained on."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import TrainingConfig
from learn2compress.data.examples import UNLABELLED, encode_example, shard_path, write_shard
from learn2compress.quantization.choice_sample import TrainingSample

LABELS = [0, UNLABELLED, 1, 2, UNLABELLED, 3, 4, 5]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Each image holds its own number; shards of five and three."""
    rows = [encode_example(bytes([i] * 4), label, f"{i:064x}", str(i)) for i, label in enumerate(LABELS)]
    write_shard(shard_path(tmp_path, 0, 2), rows[:5])
    write_shard(shard_path(tmp_path, 1, 2), rows[5:])
    return tmp_path


@pytest.mark.parametrize(("num_validation", "num_kept_back"), [(0, 0), (1, 1), (2, 1), (6, 4), (8, 6)])
def test_labelled_examples_come_in_their_stored_order_those_first_that_nobody_trained_on(
    folder: Path, num_validation: int, num_kept_back: int
) -> None:
    sample = TrainingSample.read(folder, (2, 2, 1), 1, num_validation)
    assert sample.inputs[:, 0, 0, 0].tolist() == [0, 2, 3, 5, 6, 7]
    assert sample.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert sample.num_kept_back == num_kept_back
    kept_back = sample.kept_back()
    np.testing.assert_array_equal(kept_back.labels, sample.labels[:num_kept_back])
    assert kept_back.inputs.shape == (num_kept_back, 2, 2, 1)


@pytest.mark.parametrize(
    ("ratio", "num_train", "expected"), [(0.0, 5000, 0), (0.05, 999, 0), (0.05, 1400, 70), (0.05, 50_000, 1000)]
)
def test_a_share_is_kept_back_of_fifty_to_a_thousand(ratio: float, num_train: int, expected: int) -> None:
    assert TrainingConfig(validation_ratio=ratio).num_validation(num_train) == expected


def sample_of(n: int, num_kept_back: int) -> TrainingSample:
    """Each image holds its own number."""
    inputs = np.broadcast_to(np.arange(n)[:, None, None, None] % 251, (n, 2, 2, 1)).astype(np.uint8)
    return TrainingSample(inputs, np.arange(n), num_kept_back)


def test_a_choice_goes_by_those_that_were_kept_back_where_they_are_fifty() -> None:
    assert [sample_of(100, n).num_choice_examples for n in (0, 49, 50, 100)] == [100, 100, 50, 100]
    assert sample_of(3000, 0).num_choice_examples == 2000
    assert sample_of(3000, 900).accuracy_examples().num_choice_examples == 900


def test_calibration_sees_the_others_unless_there_are_none() -> None:
    assert sample_of(100, 60).calibration_inputs(10)[:, 0, 0, 0].tolist() == list(range(60, 70))
    assert len(sample_of(100, 60).calibration_inputs(1000)) == 40
    assert len(sample_of(60, 60).calibration_inputs(10)) == 10


def test_as_many_others_are_read_as_calibration_needs(folder: Path) -> None:
    assert len(TrainingSample.read(folder, (2, 2, 1), 3, num_validation=2).labels) == 6


def test_of_equal_scores_the_first_class_counts() -> None:
    scores = np.array([[0.5, 0.5, 0.0], [0.1, 0.45, 0.45]], np.float32)
    assert sample_of(2, 0).correct(scores).tolist() == [True, True]
    assert TrainingSample(np.zeros((2, 2, 2, 1), np.uint8), np.array([1, 2])).top_1(scores) == 0.0


def numbered(num_examples: int, num_kept_back: int) -> TrainingSample:
    """Each image is its own number as one pixel."""
    inputs = np.arange(num_examples, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return TrainingSample(inputs, np.zeros(num_examples, np.int64), num_kept_back)


@pytest.mark.parametrize(("num_kept_back", "expected"), [(0, 100), (49, 100), (50, 50), (80, 80)])
def test_at_least_50_kept_back_decide_alone(num_kept_back: int, expected: int) -> None:
    decided_by = numbered(100, num_kept_back).decision_examples()
    assert decided_by.inputs[:, 0, 0, 0].tolist() == list(range(expected))
    assert decided_by.num_kept_back == num_kept_back


def test_a_networks_accuracy_is_that_of_its_highest_logit() -> None:
    inputs = keras.Input((1, 1, 1))
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    # Class 1 from the brightness of 10 on.
    network.set_weights([np.array([[0.0, 255.0]], np.float32), np.array([9.5, 0.0], np.float32)])
    assert numbered(40, 0).network_top_1(network) == 0.25


def test_examples_that_are_stored_apart_come_first(folder: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    rows = [encode_example(bytes([90 + i] * 4), i, f"{i:064x}", str(i)) for i in range(3)]
    write_shard(shard_path(apart, 0, 1), rows)
    sample = TrainingSample.read(folder, (2, 2, 1), 1, num_validation=3, validation=apart)
    assert sample.inputs[:, 0, 0, 0].tolist() == [90, 91, 92, 0, 2, 3, 5, 6, 7]
    assert sample.num_kept_back == 3
    assert sample.calibration_inputs(2)[:, 0, 0, 0].tolist() == [0, 2]
