"""Training state on disk: it comes back as it was, and what is damaged or of another network is not used."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.results.reports import EpochRecord
from learn2compress.training.checkpoint import Checkpoint

HISTORY = {"large": [EpochRecord("train", 1, 0.5, 0.75, validation_top_1=0.625)], "small": []}


def new_variables(value: float = 0.0) -> list[keras.Variable]:
    return [
        keras.Variable(np.full((3, 2), value, np.float32)),
        keras.Variable(np.array(int(value), np.int64), dtype="int64"),
    ]


def test_variables_and_history_come_back(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state")
    assert checkpoint.restore(new_variables()) is None
    for value in (3.0, 7.0):
        checkpoint.save(new_variables(value), HISTORY)
    restored = new_variables()
    assert Checkpoint(tmp_path / "state").restore(restored) == HISTORY
    np.testing.assert_array_equal(restored[0].numpy(), np.full((3, 2), 7.0, np.float32))
    assert restored[1].numpy() == 7


def test_a_damaged_checkpoint_is_not_used(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state")
    checkpoint.save(new_variables(3.0), HISTORY)
    (saved,) = checkpoint.folder.iterdir()
    saved.write_bytes(saved.read_bytes()[:300])
    variables = new_variables()
    assert checkpoint.restore(variables) is None
    assert not variables[0].numpy().any()
    checkpoint.discard()
    assert not checkpoint.folder.exists()


def test_the_state_of_another_network_is_not_used(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(new_variables(3.0), HISTORY)
    wider = [keras.Variable(np.zeros((4, 2), np.float32)), new_variables()[1]]
    assert checkpoint.restore(wider) is None
    assert not wider[0].numpy().any()
    assert checkpoint.restore([*new_variables(), keras.Variable(0.0)]) is None


def test_what_can_not_be_written_leaves_the_state_before(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(new_variables(3.0), HISTORY)
    (saved,) = tmp_path.iterdir()
    # The disk refuses what is written before it takes the place of the other.
    (tmp_path / f"{saved.name}.partial").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        checkpoint.save(new_variables(7.0), {})
    restored = new_variables()
    assert checkpoint.restore(restored) == HISTORY
    assert restored[1].numpy() == 3


def test_a_decision_is_made_once(tmp_path: Path) -> None:
    decisions = iter(["first", "second"])
    assert Checkpoint(tmp_path).once("choice", lambda: next(decisions)) == "first"
    assert Checkpoint(tmp_path).once("choice", lambda: next(decisions)) == "first"
    assert next(decisions) == "second"


def test_a_part_is_kept_until_the_whole_is_discarded(tmp_path: Path) -> None:
    whole = Checkpoint.at(str(tmp_path), "training")
    assert whole.folder == tmp_path / "training"
    part = whole.part("prune")
    part.save(new_variables(3.0), {})
    assert whole.restore(new_variables()) is None
    whole.discard()
    assert part.restore(new_variables()) is None
    assert list(tmp_path.iterdir()) == []
