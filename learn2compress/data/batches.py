"""Batches for training: examples beside the teacher's logits, in an order and in views that the seed decides.

Examples are batched first, then parsed and augmented a batch at a time, which
costs a fraction of doing it one by one. Memory is bounded by `shuffle_buffer`:
a split that fits it is read and inflated once, a larger one anew in every epoch.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from learn2compress.config import AugmentConfig
from learn2compress.data.augmentation import augment, example_seeds, view_seed
from learn2compress.data.examples import UNLABELLED, parse_examples, shard_paths
from learn2compress.data.mixing import mix

_MAX_HELD_OUT_BATCH = 512
# A network's first features are many times its input: large images by hundreds would take more memory than a training.
_HELD_OUT_BATCH_BYTES = 2**22


class TrainingBatch(NamedTuple):
    """What one training step takes.

    Attributes:
      inputs: uint8 `[batch, *input_shape]`, augmented and mixed.
      targets: float32 `[batch, num_classes]`: one-hot, or a mixture of two; a row
        of zeros for an unlabelled example.
      teacher_logits: float32 `[batch, num_classes]` for these very inputs (the
        mean of the stored views' where students see fresh ones), or `[batch, 0]`
        where the teacher computes them in the step.
    """

    inputs: Any
    targets: Any
    teacher_logits: Any


class TrainingData:
    """The splits of an Examples folder, with the teacher's logits of the training split where they are stored.

    Args:
      train: Folder of the training shards.
      train_logits: Folder of the teacher's logits, a shard for each and a record
        of `num_views * num_classes` float32 for each example; `None` where the
        teacher computes them in the step.
      held_out: Folder of the held-out shards.
      num_train: Examples in the training split, labelled or not.
      num_held_out: Examples in the held-out split.
      num_classes: Length of targets and logits.
      input_shape: Shape of one example.
      batch_size: Examples in one step; a smaller split is one batch.
      shuffle_buffer: Examples held in memory.
      augment: Augmentation of images.
      num_views: Views that the stored logits were computed of; epochs take turns
        at them. Without stored logits every epoch is a view of its own.
      shows_fresh_views: Every epoch is a view of its own with stored logits, too,
        beside the mean of those of all views.
      seed: The run's seed, which the stored views derive from.
      num_validation: The first so many of the training split's examples are kept back: nobody trains on them. Or, with
        `validation`, the examples there.
      validation: Folder of the shards of examples to choose by, where they are stored apart; nobody trains on them.

    Raises:
      ValueError: mixup or CutMix with stored logits, which are those of unmixed images.
    """

    def __init__(
        self,
        *,
        train: Path,
        train_logits: Path | None,
        held_out: Path,
        num_train: int,
        num_held_out: int,
        num_classes: int,
        input_shape: tuple[int, ...],
        batch_size: int,
        shuffle_buffer: int,
        augment: AugmentConfig = AugmentConfig(),  # noqa: B008 - frozen
        num_views: int = 1,
        shows_fresh_views: bool = False,
        seed: int = 0,
        num_validation: int = 0,
        validation: Path | None = None,
    ):
        if augment.mixes and train_logits is not None:
            raise ValueError("train_logits: found stored logits with mixup or CutMix, accepted is None")
        num_kept_back = num_validation if validation is None else 0
        num_train -= num_kept_back
        self._num_train = num_train
        self.num_held_out = num_held_out
        self.batch_size = min(batch_size, num_train)
        self.steps_per_epoch = num_train // self.batch_size
        self._num_classes = num_classes
        self._input_shape = input_shape
        self._shuffle_buffer = shuffle_buffer
        self._augment = augment
        self._num_views = num_views
        self._view_seeds = [view_seed(seed, view) for view in range(num_views)]
        self._shows_fresh_views = shows_fresh_views or train_logits is None
        self._has_logits = train_logits is not None
        records = _records(train, train_logits) if train_logits is not None else _records(train)
        chosen_by = _records(train).take(num_kept_back) if validation is None else _records(validation)
        self._validation = self._unchanged(chosen_by, num_validation).map(_labelled)
        records = records.skip(num_kept_back)
        self._train = records.cache() if num_train <= shuffle_buffer else records
        self._held_out = self._unchanged(_records(held_out), num_held_out)
        # Traced once: tracing it anew would cost more than a short epoch.
        self._make = tf.function(self._batch)

    def epoch(self, seed: int, epoch: int) -> Iterable[TrainingBatch]:
        """Makes the batches of one epoch.

        Examples that don't fill a batch are left to another epoch.

        Args:
          seed: Decides, with the epoch's number, the order, the views and the mixtures.
          epoch: Number of the epoch, from 0.

        Returns:
          Batches of `batch_size` examples.
        """
        digest = hashlib.sha256(f"{seed}:{epoch}".encode()).digest()
        order_seed, first_batch_seed = (int.from_bytes(digest[at : at + 4], "big") for at in (0, 4))
        live_view = tf.constant(view_seed(seed, epoch), tf.int64)
        number = tf.constant(epoch, tf.int64)
        shuffled = self._train.shuffle(min(self._shuffle_buffer, self._num_train), seed=order_seed)
        batches = shuffled.batch(self.batch_size, drop_remainder=True).enumerate(first_batch_seed)
        made = batches.map(lambda batch_seed, records: self._make(records, batch_seed, number, live_view), 2)
        return made.with_options(_options()).prefetch(4)

    def held_out(self) -> Iterable[tuple[Any, Any]]:
        """Returns the held-out split in its stored order.

        Returns:
          Inputs uint8 `[batch, *input_shape]` and labels int64 `[batch]` of each batch.
        """
        return self._held_out

    def validation(self) -> Iterable[tuple[Any, Any]]:
        """Returns the labelled ones of the examples to choose by, kept back or stored apart, for decisions in training.

        Returns:
          Batches as of `held_out`; some may be empty.
        """
        return self._validation

    @functools.cached_property
    def num_labelled_validation(self) -> int:
        """Number of examples in `validation()`."""
        return sum(len(labels) for _, labels in self._validation)

    def _unchanged(self, records: tf.data.Dataset, num_records: int) -> tf.data.Dataset:
        """Makes batches of inputs and labels in the stored order, without augmentation."""
        records = records.cache() if num_records <= self._shuffle_buffer else records
        batch_size = max(1, min(_MAX_HELD_OUT_BATCH, _HELD_OUT_BATCH_BYTES // math.prod(self._input_shape)))
        parsed = records.batch(batch_size).map(lambda contents: parse_examples(contents, self._input_shape)[1:])
        return parsed.with_options(_options()).prefetch(1)

    def _batch(self, records: tuple[Any, ...], batch_seed: Any, epoch: Any, live_view: Any) -> TrainingBatch:
        contents, inputs, labels = parse_examples(records[0], self._input_shape)
        # The label of an unlabelled example is -1, which is nowhere in a one-hot row.
        targets = tf.one_hot(labels, self._num_classes)
        seeds = example_seeds(contents)
        views = tf.math.floormod(epoch + seeds, self._num_views)
        logits = self._logits(records[1], views) if self._has_logits else tf.zeros([self.batch_size, 0])
        if self._shows_fresh_views:
            view_seeds = tf.fill([self.batch_size], live_view)
        else:
            view_seeds = tf.gather(tf.constant(self._view_seeds, tf.int64), views)
        if self._augment.is_active:
            inputs = augment(inputs, seeds, view_seeds, self._augment)
            inputs, targets = mix(inputs, targets, batch_seed, self._augment)
        return TrainingBatch(inputs, targets, logits)

    def _logits(self, records: Any, views: Any) -> Any:
        """Returns the logits of the views that are shown, or the mean of all stored views'.

        Args:
          records: Stored logits, string `[batch]`.
          views: Number of each example's view, `[batch]`.

        Returns:
          float32 `[batch, num_classes]`.
        """
        all_logits = tf.reshape(tf.io.decode_raw(records, tf.float32), [-1, self._num_views, self._num_classes])
        return tf.reduce_mean(all_logits, 1) if self._shows_fresh_views else tf.gather(all_logits, views, batch_dims=1)


def _labelled(inputs: Any, labels: Any) -> tuple[Any, Any]:
    is_labelled = labels != UNLABELLED
    return tf.boolean_mask(inputs, is_labelled), tf.boolean_mask(labels, is_labelled)


def _records(*folders: Path) -> tf.data.Dataset:
    files = [[str(shard) for shard in shard_paths(folder)] for folder in folders]
    return tf.data.Dataset.zip(tuple(tf.data.TFRecordDataset(names, compression_type="GZIP") for names in files))


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    # Kernels that split their work over threads cost more in all, and the training needs the other cores.
    options.threading.max_intra_op_parallelism = 1
    return options
