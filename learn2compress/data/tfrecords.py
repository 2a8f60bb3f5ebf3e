"""TFRecord files of tf.Example, gzipped or not.

Feature names are those that TensorFlow's own tools write. Image: `image/encoded`
or `image`. Class index: `label` or `image/class/label` (int64). Class name:
`label`, `image/class/text` or `label/text` (bytes); an index wins over a name,
since it says which output of the teacher is meant. Text: `text`. Without labels
a record needs no more than its image or text.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, Literal, cast

from learn2compress.config import DataFormat, TaskKind
from learn2compress.data.locations import Location
from learn2compress.data.records import MAX_CLASSES, BadRecord, RawRecord, ReadPlan, Split, Unit

MAX_RECORD_BYTES = 64 * 2**20
_IMAGE_KEYS = ("image/encoded", "image")
_TEXT_KEYS = ("text",)
_INDEX_KEYS = ("label", "image/class/label")
_NAME_KEYS = ("label", "image/class/text", "label/text")
_FRAME_BYTES = 12
_FOOTER_BYTES = 4
_READ_BYTES = 2**20


def plan_tfrecord(location: Location, split: Split | None, *, labelled: bool = True) -> ReadPlan:
    """Plans the reading of a file, a folder or a glob.

    Args:
      location: The source.
      split: The split that it belongs to, or `None` where content decides.
      labelled: Whether labels are read.

    Returns:
      A unit for each file.

    Raises:
      SourceError: there is no file.
    """
    files = location.files(name_part="tfrecord")
    return ReadPlan(
        tuple(
            Unit(DataFormat.TFRECORD, location.field, location.uri, (file.path,), split=split, labelled=labelled)
            for file in files
        )
    )


def read_tfrecord(unit: Unit, kind: TaskKind) -> Iterator[RawRecord | BadRecord]:
    """Reads one file.

    Args:
      unit: From `plan_tfrecord`.
      kind: Whether images or texts are looked for.

    Yields:
      Each record of the file, good or bad.

    Raises:
      SourceError: the file is truncated or corrupted: how many records are lost nobody knows.
    """
    import tensorflow as tf

    location = Location(unit.uri, unit.field)
    (path,) = unit.paths
    name = location.relative(path)
    num_read = 0
    try:
        with location.local_file(path) as local:
            compression, num_framed = check_frames(local)
            for serialized in tf.data.TFRecordDataset(local, compression).as_numpy_iterator():
                yield _record(f"{name}#{num_read}", cast(bytes, serialized), kind, unit.labelled)
                num_read += 1
            if num_read != num_framed:
                raise ValueError(f"found {num_framed} records of which {num_read} could be read")
    except (OSError, ValueError, EOFError, zlib.error, tf.errors.OpError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"found a corrupted record after {num_read} records"
        raise location.error(f"{path}: {reason}; it is damaged: fetch it again") from error


def check_frames(path: str) -> tuple[Literal["GZIP", ""], int]:
    """Walks the record lengths of a file before TensorFlow trusts them with memory.

    Args:
      path: A local file.

    Returns:
      "GZIP" or "", the compression that `tf.data.TFRecordDataset` takes; and the number of records.

    Raises:
      ValueError: the file ends inside a record, or a record claims to be absurdly long.
    """
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        content = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if zipped else file
        number = 0
        while header := content.read(_FRAME_BYTES):
            if len(header) < _FRAME_BYTES:
                raise ValueError(f"found the end of the file inside a record after {number} records")
            (length,) = struct.unpack("<Q", header[:8])
            if length > MAX_RECORD_BYTES:
                raise ValueError(f"found a record that claims {length} bytes after {number} records")
            missing = length + _FOOTER_BYTES
            while missing and (piece := content.read(min(missing, _READ_BYTES))):
                missing -= len(piece)
            if missing:
                raise ValueError(f"found the end of the file inside a record after {number} records")
            number += 1
    return "GZIP" if zipped else "", number


def _record(source: str, serialized: bytes, kind: TaskKind, labelled: bool) -> RawRecord | BadRecord:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        features = tf.train.Example.FromString(serialized).features.feature
    except DecodeError:
        return BadRecord(source, "found no tf.Example, accepted are serialized tf.Examples")
    payload = _first(features, _IMAGE_KEYS if kind is TaskKind.IMAGE else _TEXT_KEYS, "bytes_list")
    if payload is None:
        keys = " or ".join(_IMAGE_KEYS if kind is TaskKind.IMAGE else _TEXT_KEYS)
        return BadRecord(source, f"found features {_names(features)}, accepted is {keys} with one bytes value")
    label = _label(features) if labelled else None
    if labelled and label is None:
        return BadRecord(source, f"found features {_names(features)}, accepted is a label with one value")
    if isinstance(label, int) and not 0 <= label < MAX_CLASSES:
        return BadRecord(source, f"found label {label}, accepted are 0..{MAX_CLASSES - 1}")
    try:
        name = label.decode("utf-8") if isinstance(label, bytes) else label
        return RawRecord(source, name, payload if kind is TaskKind.IMAGE else payload.decode("utf-8").strip())
    except UnicodeDecodeError:
        return BadRecord(source, "found bytes that are not UTF-8, accepted is UTF-8 text")


def _label(features: Any) -> int | bytes | None:
    index = _first(features, _INDEX_KEYS, "int64_list")
    if index is not None:
        return int(index)
    name = _first(features, _NAME_KEYS, "bytes_list")
    return None if name is None else bytes(name)


def _first(features: Any, keys: tuple[str, ...], kind: str) -> Any:
    """Returns the single value of the first of `keys` that has one of this kind, or `None`."""
    # Looking a missing key up in a protobuf map would add it.
    for key in keys:
        if key in features and len(getattr(features[key], kind).value) == 1:
            return getattr(features[key], kind).value[0]
    return None


def _names(features: Any) -> str:
    return ", ".join(ascii(key) for key in sorted(features)[:8]) or "none"
