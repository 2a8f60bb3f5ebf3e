"""Stored examples in their order, a batch at a time, for measuring.

Parsed a batch at a time inside `tf.data`, and read ahead while the last batch is
used: decoding one record after the other costs more than a small student's answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from learn2compress.data.examples import shard_paths
from learn2compress.data.records import SourceError

_MAX_BATCH = 1024
_BATCH_BYTES = 2**20  # whoever waits for the first batch waits for no more
_ORIGIN = ("source", "content_sha256")


class LabelledBatch(NamedTuple):
    """A few examples.

    Attributes:
      inputs: uint8 `[n, *input_shape]`.
      labels: int64 `[n]`.
      sources: Where each came from, n texts, or none where they were not asked for.
      digests: Hex SHA-256 of each input, the same.
    """

    inputs: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    sources: list[str]
    digests: list[str]


def read_labelled(
    path: Path, input_shape: tuple[int, ...], with_origin: bool = False, batch_size: int | None = None
) -> Iterator[LabelledBatch]:
    """Examples of all shards in a folder, or of one shard, in their stored order.

    Args:
      path: A folder of shards, or one shard.
      input_shape: `task.input_shape`.
      with_origin: Whether to read sources and digests, whose texts take as long to make as all the rest.
      batch_size: Examples in a batch, the last of which may be smaller; by default about 1 MB of them, 1024 at most.

    Raises:
      SourceError: a shard is missing, damaged, or holds something else.
    """
    names = [str(shard) for shard in ([path] if path.is_file() else shard_paths(path))]
    batch_size = batch_size or max(1, min(_MAX_BATCH, _BATCH_BYTES // math.prod(input_shape)))
    text = tf.io.FixedLenFeature([], tf.string)
    features = {"input": text, "label": tf.io.FixedLenFeature([], tf.int64)}
    features |= dict.fromkeys(_ORIGIN, text) if with_origin else {}

    def parse(serialized: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parsed = tf.io.parse_example(serialized, features)
        inputs = tf.reshape(tf.io.decode_raw(parsed["input"], tf.uint8), [-1, *input_shape])
        return inputs, parsed["label"], *(parsed[name] for name in _ORIGIN if with_origin)

    options = tf.data.Options()
    options.deterministic = True
    options.threading.max_intra_op_parallelism = 1  # the interpreter needs the cores
    # There is nothing to find in so short a pipeline, and looking takes a third of its start.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    batches = tf.data.TFRecordDataset(names, "GZIP").batch(batch_size).map(parse).prefetch(2).with_options(options)
    try:
        for inputs, labels, *origin in batches.as_numpy_iterator():
            sources, digests = [[text.decode() for text in texts] for texts in origin] or [[], []]
            yield LabelledBatch(inputs, labels, sources, digests)
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path}: a shard is damaged; delete the artifact of the step Ingest, and run again"
        ) from error
