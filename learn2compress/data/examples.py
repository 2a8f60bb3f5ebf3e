"""Examples on disk: gzipped TFRecord shards of tf.Example, one folder for each split.

What hardly compresses, such as photos, is stored in the same format without
compression: to inflate a 32x32 image otherwise takes a quarter of the time that
a small student's answer to it does.

Features: `input` (bytes of the uint8 input, C order), `label` (int64),
`content_sha256` (hex digest of `input`), `source` (where the record came
from), and `text` for text. Records of a shard are in the order of
(`content_sha256`, `source`), so that the same data give the same bytes.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import tensorflow as tf
from google.protobuf.message import DecodeError

from learn2compress.data.records import SourceError

# Stored where nobody told the class; a one-hot row of it is all zeros.
UNLABELLED = -1

# Compression must make the first records so much smaller to be worth its time at every later reading.
_LEAST_SAVING_RATIO = 0.25
_NUM_JUDGED = 256

_SHARD_NAME = re.compile(r"[a-z]+-(\d{5})-of-(\d{5})\.tfrecord\.gz")


@dataclasses.dataclass(frozen=True)
class StoredExample:
    """One example.

    Attributes:
      input: Bytes of the uint8 tensor of `task.input_shape`, C order.
      label: Index of the class, or `UNLABELLED`.
      content_sha256: Hex SHA-256 of the input's bytes.
      source: Where the record came from.
      text: The text in UTF-8, for text tasks.
    """

    input: bytes
    label: int
    content_sha256: str
    source: str
    text: bytes | None = None


def encode_example(content: bytes, label: int, content_sha256: str, source: str, text: str | None = None) -> bytes:
    """Serializes one example; the same arguments always give the same bytes.

    Args:
      content: Bytes of the uint8 input, C order.
      label: Index of the class, or `UNLABELLED`.
      content_sha256: Hex SHA-256 of `content`.
      source: Where the record came from.
      text: The text, for text tasks.
    """
    features = {
        "content_sha256": _bytes_feature(content_sha256.encode()),
        "input": _bytes_feature(content),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        # File names need not be UTF-8.
        "source": _bytes_feature(source.encode("utf-8", "backslashreplace")),
    }
    if text is not None:
        features["text"] = _bytes_feature(text.encode())
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString(deterministic=True))


def decode_example(serialized: bytes) -> StoredExample:
    """Reads what `encode_example` wrote.

    Raises:
      ValueError: it is something else.
    """
    try:
        feature = tf.train.Example.FromString(serialized).features.feature
        return StoredExample(
            input=feature["input"].bytes_list.value[0],
            label=int(feature["label"].int64_list.value[0]),
            content_sha256=feature["content_sha256"].bytes_list.value[0].decode(),
            source=feature["source"].bytes_list.value[0].decode(),
            text=feature["text"].bytes_list.value[0] if "text" in feature else None,
        )
    except (DecodeError, IndexError, UnicodeDecodeError) as error:
        raise ValueError("a record is no example that Ingest wrote") from error


def parse_examples(serialized: Any, input_shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Parses a batch inside `tf.data`, which is much quicker than one example after the other.

    Args:
      serialized: String tensor `[batch]`.
      input_shape: `task.input_shape`.

    Returns:
      Bytes of the inputs, string `[batch]`; the inputs, uint8 `[batch,
      *input_shape]`; labels, int64 `[batch]`.
    """
    features = {"input": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    parsed = tf.io.parse_example(serialized, features)
    inputs = tf.reshape(tf.io.decode_raw(parsed["input"], tf.uint8), [-1, *input_shape])
    return parsed["input"], inputs, parsed["label"]


def shard_path(folder: str | Path, index: int, count: int, stem: str = "examples") -> Path:
    """Path of shard `index` (0-based) of `count`, such as `examples-00000-of-00001.tfrecord.gz`."""
    return Path(folder) / f"{stem}-{index:05d}-of-{count:05d}.tfrecord.gz"


def shard_paths(folder: str | Path) -> list[Path]:
    """All shards in a folder, in order.

    Raises:
      SourceError: none is there, one is missing, or shards of several sets are mixed.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.glob("*.tfrecord.gz") if _SHARD_NAME.fullmatch(path.name))
    if not paths:
        raise SourceError(f"{folder} has no shard (*-00000-of-00001.tfrecord.gz); delete the artifact, and run again")
    stem, count = paths[0].name.partition("-")[0], int(paths[0].name[-17:-12])
    wanted = [shard_path(folder, index, count, stem) for index in range(count)]
    if paths != wanted:
        odd = sorted(set(paths) ^ set(wanted)) or [folder]
        raise SourceError(
            f"{folder}: the {len(paths)} shards are not all of 1 set, see {odd[0].name}; delete the artifact, "
            "and run again"
        )
    return paths


def write_shard(path: Path, records: Iterable[bytes]) -> None:
    """Writes a shard so that it is there as a whole or not at all; the same records always give the same bytes.

    Raises:
      OSError: the folder is full or can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    records = iter(records)
    first = list(itertools.islice(records, _NUM_JUDGED))
    level = zlib.Z_DEFAULT_COMPRESSION if _compresses(b"".join(first)) else zlib.Z_NO_COMPRESSION
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=level)
    try:
        with tf.io.TFRecordWriter(str(temporary), options) as writer:
            for record in itertools.chain(first, records):
                writer.write(record)
        os.replace(temporary, path)
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message}") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_records(path: str | Path) -> Iterator[bytes]:
    """Serialized records of one shard.

    Raises:
      SourceError: the shard is truncated or corrupted.
    """
    num_read = 0
    try:
        for record in tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator():
            yield cast(bytes, record)
            num_read += 1
    except tf.errors.OpError as error:
        raise SourceError(
            f"{path}: damaged after {num_read} records; delete the artifact of the step that wrote it, and run again"
        ) from error


def read_examples(path: str | Path) -> Iterator[StoredExample]:
    """Decoded examples of all shards in a folder, or of one shard, in their stored order.

    Raises:
      SourceError: a shard is missing, truncated or corrupted, or holds something else.
    """
    path = Path(path)
    for shard in [path] if path.is_file() else shard_paths(path):
        for record in read_records(shard):
            try:
                example = decode_example(record)
            except ValueError as error:
                raise SourceError(f"{shard}: {error}") from error
            yield example


def _compresses(content: bytes) -> bool:
    return len(zlib.compress(content, zlib.Z_BEST_SPEED)) <= (1 - _LEAST_SAVING_RATIO) * len(content)


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
