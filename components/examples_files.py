"""Reads the folder of an Examples artifact into arrays, and writes logits beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tfx.types.artifact import Artifact

from components.artifacts import LABELS_FILE
from learn2compress.config import TaskConfig
from learn2compress.data.examples import Example, decode_example, read_examples, read_records, shard_paths, write_shard
from learn2compress.data.records import Split

_BATCH = 1024


def read_labels(examples: Artifact) -> list[str]:
    """Class names in index order."""
    return (Path(examples.uri) / LABELS_FILE).read_text(encoding="utf-8").splitlines()


def read_held_out(examples: Artifact, task: TaskConfig) -> tuple[np.ndarray, np.ndarray, list[bytes]]:
    """The whole held-out split: inputs uint8 `[n, *input_shape]`, labels int64 `[n]`, texts (empty for images)."""
    return _stack(list(read_examples(Path(examples.uri) / Split.HELD_OUT)), task)


def write_logits(
    split: Path, into: Path, task: TaskConfig, logits_of: Callable[[np.ndarray, list[bytes]], np.ndarray]
) -> int:
    """Writes one record of float32 logits for each example of a split, shard beside shard.

    Args:
      split: Folder of the examples' shards.
      into: Folder for the logits' shards.
      task: Gives the shape of one example.
      logits_of: From inputs uint8 `[n, *input_shape]` and texts to float32 `[n, num_classes]`.

    Returns:
      Examples written.
    """
    written = 0
    for shard in shard_paths(split):
        rows: list[bytes] = []
        for batch in _batches(decode_example(record) for record in read_records(shard)):
            inputs, _, texts = _stack(batch, task)
            rows += [row.tobytes() for row in logits_of(inputs, texts).astype("<f4")]
        write_shard(into / shard.name.replace("examples-", "logits-"), rows)
        written += len(rows)
    return written


def _batches(examples: Iterator[Example]) -> Iterator[list[Example]]:
    while batch := list(islice(examples, _BATCH)):
        yield batch


def _stack(examples: list[Example], task: TaskConfig) -> tuple[np.ndarray, np.ndarray, list[bytes]]:
    inputs = np.frombuffer(b"".join(example.input for example in examples), np.uint8).reshape(-1, *task.input_shape)
    return inputs, np.array([e.label for e in examples], np.int64), [e.text or b"" for e in examples]
