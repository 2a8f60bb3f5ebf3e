"""Examples on disk."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config.parsing import ConfigError
from learn2compress.data.examples import (
    StoredExample,
    encode_example,
    parse_examples,
    read_batches,
    read_examples,
    read_serialized,
    shard_path,
    shard_paths,
    write_shard,
)
from learn2compress.data.records import SourceError

CONTENT = bytes(range(12))
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_example_comes_back(tmp_path: Path) -> None:
    serialized = encode_example(CONTENT, 3, DIGEST, "a/b.png", "héllo")
    assert serialized == encode_example(CONTENT, 3, DIGEST, "a/b.png", "héllo")
    write_shard(shard_path(tmp_path, 0, 1), [serialized, encode_example(CONTENT, -1, DIGEST, "x")])
    assert list(read_examples(tmp_path)) == [
        StoredExample(CONTENT, 3, DIGEST, "a/b.png", "héllo".encode()),
        StoredExample(CONTENT, -1, DIGEST, "x"),
    ]


@pytest.mark.parametrize(
    "serialized", [b"", b"\xff\xff", tf.train.Example().SerializeToString(), encode_example(b"short", 1, DIGEST, "x")]
)
def test_something_else_is_no_example(serialized: bytes, tmp_path: Path) -> None:
    write_shard(shard_path(tmp_path, 0, 1), [serialized])
    with pytest.raises(SourceError, match=r"^\S+: found a record that is no example .* accepted are shards"):
        list(read_batches(tmp_path, (2, 2, 3)))


def test_tf_data_parses_a_batch() -> None:
    records = [encode_example(CONTENT, label, DIGEST, "x") for label in (1, 2)]
    ((contents, inputs, labels),) = (
        tf.data.Dataset.from_tensor_slices(records).batch(2).map(lambda batch: parse_examples(batch, (2, 2, 3)))
    )
    assert contents.numpy().tolist() == [CONTENT, CONTENT]
    assert inputs.dtype == tf.uint8
    assert inputs.shape == (2, 2, 2, 3)
    assert inputs[1].numpy().tobytes() == CONTENT
    assert labels.numpy().tolist() == [1, 2]


def write(folder: Path, index: int, count: int, labels: list[int]) -> Path:
    path = shard_path(folder, index, count)
    write_shard(path, [encode_example(CONTENT, label, DIGEST, f"#{label}") for label in labels])
    return path


def test_shards_are_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, [3, 4])
    write(tmp_path, 0, 2, [1, 2])
    assert [path.name for path in shard_paths(tmp_path)] == [
        "examples-00000-of-00002.tfrecord.gz",
        "examples-00001-of-00002.tfrecord.gz",
    ]
    assert [example.label for example in read_examples(tmp_path)] == [1, 2, 3, 4]
    assert [example.label for example in read_examples(shard_path(tmp_path, 1, 2))] == [3, 4]


def test_missing_and_mixed_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no shard"):
        shard_paths(tmp_path)
    write(tmp_path, 0, 2, [1])
    with pytest.raises(ConfigError, match="see examples-00001-of-00002"):
        shard_paths(tmp_path)
    write(tmp_path, 1, 2, [1])
    write(tmp_path, 0, 1, [1])
    with pytest.raises(ConfigError, match="all of 1 set"):
        shard_paths(tmp_path)


@pytest.mark.parametrize("batch_size", [7, 512])
def test_batches_are_the_examples_in_their_order(digits_folder: Path, batch_size: int) -> None:
    folder = digits_folder / "examples" / "held_out"
    batches = list(read_batches(folder, (8, 8, 1), with_origin=True, batch_size=batch_size))
    examples = list(read_examples(folder))

    assert all(len(batch.inputs) == batch_size for batch in batches[:-1])
    assert np.concatenate([batch.inputs for batch in batches]).tobytes() == b"".join(e.input for e in examples)
    assert np.concatenate([batch.labels for batch in batches]).tolist() == [e.label for e in examples]
    assert [source for batch in batches for source in batch.sources] == [e.source for e in examples]
    assert [digest for batch in batches for digest in batch.digests] == [e.content_sha256 for e in examples]


def test_one_shard_may_be_read_alone(digits_folder: Path) -> None:
    shard = shard_paths(digits_folder / "examples" / "held_out")[1]
    (batch,) = read_batches(shard, (8, 8, 1), with_origin=True)
    assert [e.source for e in read_examples(shard)] == batch.sources


def test_origins_and_texts_are_read_where_somebody_asks(digits_folder: Path, tmp_path: Path) -> None:
    (batch,) = read_batches(digits_folder / "examples" / "held_out", (8, 8, 1))
    assert (batch.sources, batch.digests, batch.texts) == ([], [], [])
    assert len(batch.inputs) == len(batch.labels) == 256
    write_shard(
        shard_path(tmp_path, 0, 1), [encode_example(CONTENT, 0, DIGEST, "a#1", text) for text in ("one", "two")]
    )
    (batch,) = read_batches(tmp_path, (12,), with_texts=True)
    assert (batch.sources, batch.texts) == ([], [b"one", b"two"])


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_damaged_shard_is_one_clear_error(tmp_path: Path, damage: str) -> None:
    write(tmp_path, 1, 2, [1])
    path = write(tmp_path, 0, 2, list(range(200)))
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    for read in (read_examples(tmp_path), read_batches(tmp_path, (12,))):
        with pytest.raises(SourceError, match=r"examples-00000-of-00002\S+ damaged after \d+ records") as error:
            list(read)
        assert "\n" not in str(error.value)


def test_only_what_compresses_is_compressed(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (300, 1000), np.uint8)
    for name, rows, smallest, largest in [("photos", noise, 1.0, 1.1), ("drawings", noise // 128, 0.0, 0.75)]:
        path = shard_path(tmp_path / name, 0, 1)
        records = [row.tobytes() for row in rows]
        write_shard(path, iter(records))
        assert list(read_serialized(path)) == records
        assert smallest < path.stat().st_size / noise.size < largest


def test_a_shard_is_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    def records() -> object:
        yield b"one"
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_shard(shard_path(tmp_path, 0, 1), records())
    assert list(tmp_path.iterdir()) == []
