"""Training curves are event files that TensorBoard reads: a run for each student, a step for each epoch."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from learn2compress.results.reports import EpochRecord
from learn2compress.training.tensorboard import write_tensorboard

HISTORIES = {
    "large": (
        EpochRecord("train", 1, 2.0, 0.25, learning_rate=0.01, validation_top_1=0.5),
        EpochRecord("train", 2, 1.0, 0.75, learning_rate=0.005, validation_top_1=0.625),
        EpochRecord("prune", 1, 1.5, 0.5, sparsity_ratio=0.9),
    ),
    "small": (EpochRecord("train", 2, 3.0, 0.125),),
    "own": (EpochRecord("teacher", 1, None, 0.5),),
}


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Reads a run as TensorBoard does: steps and values by title."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def test_each_student_has_the_curves_of_its_phases(tmp_path: Path) -> None:
    write_tensorboard(tmp_path, HISTORIES)
    assert {path.name for path in tmp_path.iterdir()} == {"large", "small", "own"}
    large = curves(tmp_path / "large")
    assert large["train/loss"] == [(1, 2.0), (2, 1.0)]
    assert large["train/held_out_top_1"] == [(1, 0.25), (2, 0.75)]
    assert large["train/validation_top_1"] == [(1, 0.5), (2, 0.625)]
    assert large["prune/sparsity_ratio"] == [(1, pytest.approx(0.9))]
    assert curves(tmp_path / "small")["train/loss"] == [(2, 3.0)]


def test_what_was_not_measured_has_no_curve(tmp_path: Path) -> None:
    write_tensorboard(tmp_path, HISTORIES)
    assert "teacher/loss" not in curves(tmp_path / "own")
    assert "prune/validation_top_1" not in curves(tmp_path / "large")
    assert set(curves(tmp_path / "small")) == {
        "train/loss",
        "train/held_out_top_1",
        "train/learning_rate",
        "train/sparsity_ratio",
    }
