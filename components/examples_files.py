"""Reads the folder of an Examples artifact into arrays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tfx.types.artifact import Artifact

from components.artifacts import LABELS_FILE
from learn2compress.config import TaskConfig
from learn2compress.data.examples import Example, read_examples
from learn2compress.data.records import Split

_BATCH = 1024


def read_labels(examples: Artifact) -> list[str]:
    """Class names in index order."""
    return (Path(examples.uri) / LABELS_FILE).read_text(encoding="utf-8").splitlines()


def read_held_out(examples: Artifact, task: TaskConfig) -> tuple[np.ndarray, np.ndarray, list[bytes]]:
    """The whole held-out split: inputs uint8 `[n, *input_shape]`, labels int64 `[n]`, texts (empty for images)."""
    return _stack(list(read_examples(Path(examples.uri) / Split.HELD_OUT)), task)


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
        inputs, _, texts = _stack(batch, task)
        yield inputs, texts


def _stack(examples: list[Example], task: TaskConfig) -> tuple[np.ndarray, np.ndarray, list[bytes]]:
    inputs = np.frombuffer(b"".join(example.input for example in examples), np.uint8).reshape(-1, *task.input_shape)
    return inputs, np.array([e.label for e in examples], np.int64), [e.text or b"" for e in examples]
