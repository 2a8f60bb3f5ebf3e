from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from learn2compress.data.examples import read_examples, shard_paths
from learn2compress.data.labelled_batches import read_labelled
from learn2compress.data.records import SourceError


@pytest.mark.parametrize("batch_size", [7, 512])
def test_batches_are_the_examples_in_their_order(digits_folder: Path, batch_size: int) -> None:
    folder = digits_folder / "examples" / "held_out"
    batches, examples = list(read_labelled(folder, (8, 8, 1), True, batch_size)), list(read_examples(folder))

    assert all(len(batch.inputs) == batch_size for batch in batches[:-1])
    assert np.concatenate([batch.inputs for batch in batches]).tobytes() == b"".join(e.input for e in examples)
    assert np.concatenate([batch.labels for batch in batches]).tolist() == [e.label for e in examples]
    assert [source for batch in batches for source in batch.sources] == [e.source for e in examples]
    assert [digest for batch in batches for digest in batch.digests] == [e.content_sha256 for e in examples]


def test_one_shard_may_be_read_alone(digits_folder: Path) -> None:
    shard = shard_paths(digits_folder / "examples" / "held_out")[1]
    (batch,) = read_labelled(shard, (8, 8, 1), with_origin=True)
    assert [e.source for e in read_examples(shard)] == batch.sources


def test_origins_are_left_out_where_nobody_asks(digits_folder: Path) -> None:
    (batch,) = read_labelled(digits_folder / "examples" / "held_out", (8, 8, 1))
    assert (batch.sources, batch.digests) == ([], [])
    assert len(batch.inputs) == len(batch.labels) == 256


def test_a_damaged_shard_is_one_clear_line(digits_folder: Path, tmp_path: Path) -> None:
    content = shard_paths(digits_folder / "examples" / "held_out")[0].read_bytes()
    damaged = tmp_path / "examples-00000-of-00001.tfrecord.gz"
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match="a shard is damaged; delete the artifact") as error:
        list(read_labelled(tmp_path, (8, 8, 1)))
    assert "\n" not in str(error.value)
