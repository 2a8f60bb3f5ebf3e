"""Training curves as TensorBoard reads them: one run for each student, on one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from learn2compress.results.reports import EpochRecord


def write_tensorboard(folder: Path, histories: Mapping[str, Sequence[EpochRecord]]) -> None:
    """Writes event files below `folder`, a folder for each student; steps are epochs.

    Args:
      folder: Open it with `tensorboard --logdir`.
      histories: Epochs by student name; a jointly trained teacher's under "teacher".
    """
    for name, records in histories.items():
        with tf.summary.create_file_writer(str(folder / name)).as_default():
            for record in records:
                for title, value in _scalars(record):
                    tf.summary.scalar(f"{record.phase}/{title}", value, step=record.epoch)


def _scalars(record: EpochRecord) -> list[tuple[str, float]]:
    scalars = [
        ("held_out_top_1", record.held_out_top_1),
        ("learning_rate", record.learning_rate),
        ("sparsity_ratio", record.sparsity_ratio),
    ]
    if record.loss is not None:
        scalars.append(("loss", record.loss))
    if record.validation_top_1 is not None:
        scalars.append(("validation_top_1", record.validation_top_1))
    return scalars
