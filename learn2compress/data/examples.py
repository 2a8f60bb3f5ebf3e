"""Examples on disk: gzipped TFRecord shards of tf.Example, one folder for each split.

What hardly compresses, such as photos, is stored in the same format without
compression: to inflate a 32x32 image otherwise takes a quarter of the time that
a small student's answer to it does.

Features: `input` (bytes of the uint8 input, C order), `label` (int64),
`content_sha256` (hex digest of `input`), `source` (where the record came
from), and `text` for text. Records of a shard are in the order of
(`content_sha256`, `source`), so that the same data make the same bytes.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from learn2compress.data.records import SourceError

# Stored where nobody told the class; a one-hot row of it is all zeros.
UNLABELLED = -1

# Compression must make the first records so much smaller to be worth its time at every later reading.
_LEAST_SAVING_RATIO = 0.25
_NUM_JUDGED = 256

_MAX_BATCH = 1024
_BATCH_BYTES = 2**20
_SMALL_BATCH = 64

_TEXT = tf.io.FixedLenFeature([], tf.string)
_FEATURES = {
    "input": _TEXT,
    "label": tf.io.FixedLenFeature([], tf.int64),
    "content_sha256": _TEXT,
    "source": _TEXT,
    # Images have none; a text is never empty.
    "text": tf.io.FixedLenFeature([], tf.string, b""),
}
_ORIGIN = ("source", "content_sha256")

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


class ExampleBatch(NamedTuple):
    """A few examples.

    Attributes:
      inputs: uint8 `[n, *input_shape]`.
      labels: int64 `[n]`, `UNLABELLED` where nobody told the class.
      sources: Where each came from, n texts, or none where they were not asked for.
      digests: Hex SHA-256 of each input, the same.
      texts: UTF-8 of each text, the same; empty for images.
    """

    inputs: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    sources: list[str]
    digests: list[str]
    texts: list[bytes]

    @property
    def graded(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], list[str], list[str]]:
        """All but the texts, as `predict_examples` takes them."""
        return self[:4]


def encode_example(content: bytes, label: int, content_sha256: str, source: str, text: str | None = None) -> bytes:
    """Serializes one example; the same arguments always make the same bytes.

    Args:
      content: Bytes of the uint8 input, C order.
      label: Index of the class, or `UNLABELLED`.
      content_sha256: Hex SHA-256 of `content`.
      source: Where the record came from.
      text: The text, for text tasks.

    Returns:
      A tf.Example.
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


def parse_examples(serialized: Any, input_shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Parses a batch inside `tf.data`, which is much quicker than one example after the other.

    Args:
      serialized: String tensor `[batch]`.
      input_shape: `task.input_shape`.

    Returns:
      Bytes of the inputs, string `[batch]`; the inputs, uint8 `[batch,
      *input_shape]`; labels, int64 `[batch]`.
    """
    parsed = _parse(serialized, ("input", "label"))
    return parsed["input"], _pixels(parsed["input"], input_shape), parsed["label"]


def shard_path(folder: str | Path, index: int, count: int, stem: str = "examples") -> Path:
    """Returns the path of a shard, such as `examples-00000-of-00001.tfrecord.gz`.

    Args:
      folder: Of the split.
      index: Number of the shard, from 0.
      count: Shards of the split.
      stem: What the shards hold.
    """
    return Path(folder) / f"{stem}-{index:05d}-of-{count:05d}.tfrecord.gz"


def shard_paths(folder: str | Path) -> list[Path]:
    """Finds all shards in a folder.

    Args:
      folder: Of a split.

    Returns:
      Paths in order.

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
    """Writes a shard so that it is there as a whole or not at all; the same records always make the same bytes.

    Args:
      path: From `shard_path`; its folder is made where there is none.
      records: Serialized records.

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


def read_batches(
    path: Path,
    input_shape: tuple[int, ...],
    *,
    with_origin: bool = False,
    with_texts: bool = False,
    batch_size: int | None = None,
) -> Iterator[ExampleBatch]:
    """Reads the examples of all shards in a folder, or of one shard, in their stored order.

    Batches are parsed inside `tf.data`, and the next is read while the last is used:
    decoding one record after the other costs more than a small student's answer.

    Args:
      path: A folder of shards, or one shard.
      input_shape: `task.input_shape`.
      with_origin: Whether to read sources and digests, whose texts take as long to make as all the rest.
      with_texts: Whether to read texts.
      batch_size: Examples in a batch but the last; by default as many as are a
        megabyte, so that whoever waits for the first does not wait long.

    Yields:
      Batches of at least one example.

    Raises:
      SourceError: a shard is missing, truncated or corrupted, or holds something else.
    """
    batch_size = batch_size or max(1, min(_MAX_BATCH, _BATCH_BYTES // math.prod(input_shape)))
    columns = ["input", "label", *(_ORIGIN if with_origin else ()), *(("text",) if with_texts else ())]

    def parse(serialized: Any) -> dict[str, Any]:
        parsed = _parse(serialized, columns)
        return parsed | {"input": _pixels(parsed["input"], input_shape)}

    for batch in _batches(path, parse, batch_size):
        sources, digests = [_texts(batch[name]) if with_origin else [] for name in _ORIGIN]
        texts = list(batch["text"]) if with_texts else []
        yield ExampleBatch(batch["input"], batch["label"], sources, digests, texts)


def read_examples(path: str | Path) -> Iterator[StoredExample]:
    """Reads the examples of all shards in a folder, or of one shard, in their stored order, one at a time.

    Args:
      path: A folder of shards, or one shard.

    Yields:
      Examples with all that is stored of them.

    Raises:
      SourceError: a shard is missing, truncated or corrupted, or holds something else.
    """
    for batch in _batches(Path(path), lambda serialized: _parse(serialized, list(_FEATURES)), _SMALL_BATCH):
        origins = zip(_texts(batch["content_sha256"]), _texts(batch["source"]), strict=True)
        for content, label, origin, text in zip(batch["input"], batch["label"], origins, batch["text"], strict=True):
            yield StoredExample(content, int(label), *origin, text or None)


def read_serialized(path: str | Path) -> Iterator[bytes]:
    """Reads the records of one shard as they are stored, examples or a teacher's logits.

    Args:
      path: The shard.

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


def _batches(path: Path, parse: Callable[[Any], dict[str, Any]], batch_size: int) -> Iterator[dict[str, Any]]:
    shards = [path] if path.is_file() else shard_paths(path)
    options = tf.data.Options()
    options.deterministic = True
    options.threading.max_intra_op_parallelism = 1  # whoever takes the batches needs the cores
    # There is nothing to find in so short a pipeline, and looking takes a third of its start.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    records = tf.data.TFRecordDataset([str(shard) for shard in shards], "GZIP")
    try:
        yield from records.batch(batch_size).map(parse).prefetch(2).with_options(options).as_numpy_iterator()
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        # TensorFlow does not say which shard it was, and fails to show a record that is no text in its own message.
        for shard in shards:
            for _ in read_serialized(shard):
                pass
        raise SourceError(
            f"{path}: found a record that is no example of learn2compress, accepted are shards that Ingest wrote"
        ) from error


def _parse(serialized: Any, columns: Iterable[str]) -> dict[str, Any]:
    parsed: dict[str, Any] = tf.io.parse_example(serialized, {name: _FEATURES[name] for name in columns})
    return parsed


def _texts(column: npt.NDArray[np.object_]) -> list[str]:
    return [text.decode("utf-8", "backslashreplace") for text in column]


def _pixels(contents: Any, input_shape: tuple[int, ...]) -> Any:
    return tf.reshape(tf.io.decode_raw(contents, tf.uint8), [-1, *input_shape])


def _compresses(content: bytes) -> bool:
    return len(zlib.compress(content, zlib.Z_BEST_SPEED)) <= (1 - _LEAST_SAVING_RATIO) * len(content)


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
