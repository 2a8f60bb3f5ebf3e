"""Batches for training: examples beside the teacher's logits, in an order that the seed decides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf

from learn2compress.data.examples import parse_example, shard_paths

HELD_OUT_BATCH = 512


class TrainingData:
    """Both splits of an Examples folder with the teacher's logits of the training split.

    Args:
      train: Folder of the training shards.
      train_logits: Folder of the teacher's logits, a shard for each.
      held_out: Folder of the held-out shards.
      num_train: Examples in the training split.
      num_held_out: Examples in the held-out split.
      input_shape: Shape of one example.
      batch_size: Examples in one step; a smaller split is one batch.
      shuffle_buffer: Examples held in memory.
    """

    def __init__(
        self,
        *,
        train: Path,
        train_logits: Path,
        held_out: Path,
        num_train: int,
        num_held_out: int,
        input_shape: tuple[int, ...],
        batch_size: int,
        shuffle_buffer: int,
    ):
        self.num_held_out = num_held_out
        self.batch_size = min(batch_size, num_train)
        self.steps_per_epoch = num_train // self.batch_size
        self._input_shape = input_shape
        self._shuffle_buffer = min(shuffle_buffer, num_train)
        pairs = tf.data.Dataset.zip(_records(shard_paths(train)), _records(shard_paths(train_logits)))
        # What the buffer may hold is read and inflated once; what it may not is read in every epoch.
        self._pairs = pairs.cache() if num_train <= shuffle_buffer else pairs
        examples = _records(shard_paths(held_out))
        examples = examples.cache() if num_held_out <= shuffle_buffer else examples
        self._held_out = examples.batch(HELD_OUT_BATCH).map(self._inputs_and_labels).prefetch(1)

    def epoch(self, seed: int, epoch: int) -> Iterable[tuple[Any, Any, Any]]:
        """Batches of one epoch; its order is a function of `seed` and `epoch` alone.

        Returns:
          Inputs float32 `[batch_size, *input_shape]` in 0..1, labels int64
          `[batch_size]`, teacher logits float32 `[batch_size, num_classes]`.
          Examples that don't fill a batch wait for another epoch.
        """
        digest = hashlib.sha256(f"{seed}:{epoch}".encode()).digest()
        shuffled = self._pairs.shuffle(self._shuffle_buffer, seed=int.from_bytes(digest[:4], "big"))
        batches = shuffled.batch(self.batch_size, drop_remainder=True).map(self._with_logits, num_parallel_calls=2)
        return batches.with_options(_in_order()).prefetch(4)

    def held_out(self) -> Iterable[tuple[Any, Any]]:
        """The held-out split in its stored order: inputs and labels, shaped as in `epoch`."""
        return self._held_out

    def _with_logits(self, examples: Any, logits: Any) -> tuple[Any, Any, Any]:
        inputs, labels = self._inputs_and_labels(examples)
        return inputs, labels, tf.io.decode_raw(logits, tf.float32)

    def _inputs_and_labels(self, examples: Any) -> tuple[Any, Any]:
        inputs, labels = parse_example(examples, self._input_shape)
        return tf.cast(inputs, tf.float32) / 255.0, labels


def _records(shards: list[Path]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset([str(shard) for shard in shards], compression_type="GZIP")


def _in_order() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    return options
