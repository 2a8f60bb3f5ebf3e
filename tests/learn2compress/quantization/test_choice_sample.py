"""Which training examples choices are made by, and which of them nobody trained on."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.parametrize(("num_validation", "num_unseen"), [(0, 0), (1, 1), (2, 1), (6, 4), (8, 6)])
def test_labelled_examples_come_in_their_stored_order_those_first_that_nobody_trained_on(
    folder: Path, num_validation: int, num_unseen: int
) -> None:
    sample = TrainingSample.read(folder, (2, 2, 1), 1, num_validation)
    assert sample.inputs[:, 0, 0, 0].tolist() == [0, 2, 3, 5, 6, 7]
    assert sample.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert sample.num_unseen == num_unseen
    unseen = sample.unseen()
    np.testing.assert_array_equal(unseen.labels, sample.labels[:num_unseen])
    assert unseen.inputs.shape == (num_unseen, 2, 2, 1)


@pytest.mark.parametrize(
    ("ratio", "num_train", "expected"), [(0.0, 5000, 0), (0.05, 999, 0), (0.05, 1400, 70), (0.05, 50_000, 1000)]
)
def test_a_share_is_kept_back_of_fifty_to_a_thousand(ratio: float, num_train: int, expected: int) -> None:
    assert TrainingConfig(validation_ratio=ratio).num_validation(num_train) == expected
