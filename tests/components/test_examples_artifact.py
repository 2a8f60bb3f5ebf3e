"""Labels and examples are read in the order in which Ingest wrote them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.artifacts import LABELS_FILE, Examples
from components.examples_artifact import read_batches, read_labels
from learn2compress.config import TaskConfig, TaskKind
from learn2compress.data.examples import encode_example, shard_path, write_shard


def test_labels_are_read_in_the_order_of_their_indices(tmp_path: Path) -> None:
    (tmp_path / LABELS_FILE).write_text("zebra\nape\nnó\n", encoding="utf-8")
    artifact = Examples()
    artifact.uri = str(tmp_path)
    assert read_labels(artifact) == ["zebra", "ape", "nó"]


@pytest.mark.parametrize("kind", list(TaskKind))
def test_a_shard_is_read_in_order_a_thousand_at_a_time(kind: TaskKind, tmp_path: Path) -> None:
    task = TaskConfig(kind, (2, 3, 1) if kind is TaskKind.IMAGE else (6,))
    inputs = np.random.default_rng(0).integers(0, 256, (2500, *task.input_shape), dtype=np.uint8)
    texts = [f"text {index}" if kind is TaskKind.TEXT else None for index in range(len(inputs))]
    shard = shard_path(tmp_path, 0, 1)
    write_shard(
        shard,
        [
            encode_example(example.tobytes(), index % 3, f"{index:064x}", str(index), text)
            for index, (example, text) in enumerate(zip(inputs, texts, strict=True))
        ],
    )
    batches = list(read_batches(shard, task))
    assert [len(batch) for batch, _ in batches] == [1024, 1024, 452]
    np.testing.assert_array_equal(np.concatenate([batch for batch, _ in batches]), inputs)
    assert [text for _, of_batch in batches for text in of_batch] == [(text or "").encode() for text in texts]


def test_an_empty_shard_has_no_batch(tmp_path: Path) -> None:
    write_shard(shard_path(tmp_path, 0, 1), [])
    assert list(read_batches(shard_path(tmp_path, 0, 1), TaskConfig())) == []
