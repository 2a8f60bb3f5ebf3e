"""The loop of a training that can be killed at any time: a second one ends with the same weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from learn2compress.results.reports import EpochRecord
from learn2compress.training.checkpoint import Checkpoint
from teachers.learners import Examples, Learner, Length
from teachers.views import epoch_order

_NAME = "teacher"
# So many are looked at after each epoch, to see that it learns.
_NUM_SHOWN = 1000


def train(
    learner: Learner, examples: Examples, held_out: Examples, length: Length, seed: int, checkpoint: Checkpoint
) -> list[EpochRecord]:
    """Trains, or resumes after the last epoch that a checkpoint has.

    Args:
      learner: The network and its optimizer; changed in place.
      examples: To train on.
      held_out: Some of them are answered after each epoch, which is printed and decides nothing.
      length: Epochs and steps.
      seed: Of the order of examples.
      checkpoint: A training's own; it is there after the training, too.

    Returns:
      One record for each epoch.
    """
    shown = Examples(held_out.inputs[:_NUM_SHOWN], held_out.labels[:_NUM_SHOWN])
    history = (checkpoint.restore(learner.variables) or {}).get(_NAME, [])
    if history:
        print(f"resumed after epoch {len(history)} of {length.epochs}", flush=True)
    for epoch in range(len(history), length.epochs):
        started = time.monotonic()
        order = epoch_order(len(examples), seed, epoch)[: length.steps_per_epoch * length.batch_size]
        inputs_at = learner.epoch_inputs(examples.inputs, epoch)
        first = epoch * length.steps_per_epoch
        results = [
            learner.step(inputs_at(places), examples.labels[places], first + index)
            for index, places in enumerate(order.reshape(length.steps_per_epoch, length.batch_size))
        ]
        loss, accuracy = np.mean(results, 0)
        rate = learner.learning_rate(first + length.steps_per_epoch - 1)
        record = EpochRecord(_NAME, epoch + 1, float(loss), learner.accuracy(shown), learning_rate=rate)
        history = [*history, record]
        checkpoint.save(learner.variables, {_NAME: history})
        print(
            f"epoch {epoch + 1}/{length.epochs}: loss {loss:.4f}, right {accuracy:.1%} in training and "
            f"{record.held_out_top_1:.1%} of {len(shown)} held out, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    return history


def training_name(settings: Mapping[str, Any], examples: Examples) -> str:
    """Names a training by all that it depends on, so that no other one resumes it.

    Args:
      settings: Numbers, texts and dataclasses.
      examples: To train on.

    Returns:
      A folder's name.
    """
    plain = {key: dataclasses.asdict(v) if dataclasses.is_dataclass(v) else v for key, v in settings.items()}  # type: ignore[arg-type]
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode())
    for array in (examples.inputs, examples.labels):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
