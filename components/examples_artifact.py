"""Reads the folder of an Examples artifact into arrays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tfx.types.artifact import Artifact

from components.artifacts import LABELS_FILE
from learn2compress.config import TaskConfig
from learn2compress.data.examples import read_examples

_BATCH = 1024


def read_labels(examples: Artifact) -> list[str]:
    """Class names in index order."""
    return (Path(examples.uri) / LABELS_FILE).read_text(encoding="utf-8").splitlines()


def read_batches(shard: Path, task: TaskConfig) -> Iterator[tuple[np.ndarray, list[bytes]]]:
    """Examples of one shard in their order, a thousand at a time.

    Args:
      shard: Path of the shard.
      task: Gives the shape of one example.

    Yields:
      Inputs uint8 `[n, *input_shape]` and n texts, empty for images.
    """
    examples = read_examples(shard)
    while batch := list(islice(examples, _BATCH)):
        inputs = np.frombuffer(b"".join(example.input for example in batch), np.uint8).reshape(-1, *task.input_shape)
        yield inputs, [example.text or b"" for example in batch]
