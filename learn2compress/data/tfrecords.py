"""TFRecord files of tf.Example, gzipped or not.

Feature names are those that TensorFlow's own tools write. Image: `image/encoded` or `image`. Class index: `label`,
`image/class/label`, `class/label`, `label/index` or `class_id` (int64, or a whole float). Class name:
`label`, `image/class/text`, `class/text`, `label/text`, `label_text`, `label/name`, `label_name`, `class/name` or
`class_name` (bytes). An index says which output of the teacher is meant; a name beside it names its class. Text:
`text`. Without labels a record needs no more than its image or text.

Class names may lie beside the files, too: `label.labels.txt` of TensorFlow Datasets, or a `labels.txt` of lines such
as `0:daisy`.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, Literal, cast

from learn2compress.config import DataFormat, TaskKind
from learn2compress.data.locations import Location
from learn2compress.data.records import (
    MAX_CLASSES,
    BadRecord,
    Label,
    NamedIndex,
    RawRecord,
    ReadPlan,
    Split,
    Unit,
    gathered_notes,
)
from learn2compress.data.tfrecord_folder import is_tfrecord, look_around

MAX_RECORD_BYTES = 64 * 2**20
_IMAGE_KEYS = ("image/encoded", "image")
_TEXT_KEYS = ("text",)
_INDEX_KEYS = ("label", "image/class/label", "class/label", "label/index", "class_id")
_NAME_KEYS = (
    "label",
    *("image/class/text", "class/text", "label/text", "label_text"),
    *("label/name", "label_name", "class/name", "class_name"),
)
_FRAME_BYTES = 12
_FOOTER_BYTES = 4
_READ_BYTES = 2**20


def plan_tfrecord(
    location: Location, split: Split | None, *, labelled: bool = True, is_counted: bool = False
) -> ReadPlan:
    """Plans the reading of a file, a folder or a glob, and looks for what tells that a set is not whole.

    Args:
      location: The source.
      split: The split that it belongs to, or `None` where content decides.
      labelled: Whether labels are read.
      is_counted: Whether the configuration says how many records there are, so that a set may lack files.

    Returns:
      A unit for each file, class names that lie beside them, and what the files' sizes tell.

    Raises:
      SourceError: there is no file, or one of a set is missing.
    """
    files = location.files(name_part="tfrecord", accepts=is_tfrecord)
    around = look_around(location, files, labelled=labelled, is_counted=is_counted)
    units = tuple(
        Unit(
            DataFormat.TFRECORD,
            location.field,
            location.uri,
            (file.path,),
            split=split,
            names=around.names,
            labelled=labelled,
            num_declared=around.counts.get(file.path),
        )
        for file in files
    )
    return ReadPlan(units, around.names, notes=gathered_notes(location.field, around.notes))


def read_tfrecord(unit: Unit, kind: TaskKind) -> Iterator[RawRecord | BadRecord]:
    """Reads one file.

    Args:
      unit: From `plan_tfrecord`.
      kind: Whether images or texts are looked for.

    Yields:
      Each record of the file, good or bad.

    Raises:
      SourceError: the file is truncated or corrupted, or holds another number of records than a file beside it says.
    """
    import tensorflow as tf

    location = Location(unit.uri, unit.field)
    (path,) = unit.paths
    name = location.relative(path)
    num_read = 0
    try:
        with location.local_file(path) as local:
            compression, num_framed = check_frames(local)
            if unit.num_declared not in (None, num_framed):
                raise ValueError(f"found {num_framed} records, and a file beside it says {unit.num_declared}")
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
    try:
        label = _label(features) if labelled else None
        content = payload if kind is TaskKind.IMAGE else payload.decode("utf-8").strip()
    except UnicodeDecodeError:
        return BadRecord(source, "found bytes that are not UTF-8, accepted is UTF-8 text")
    index = label.index if isinstance(label, NamedIndex) else label
    if isinstance(index, int) and not 0 <= index < MAX_CLASSES:
        return BadRecord(source, f"found label {index}, accepted are 0..{MAX_CLASSES - 1}")
    if labelled and label is None:
        return BadRecord(source, f"found {_label_features(features)}, accepted is a label with one value")
    return RawRecord(source, label, content)


def _label_features(features: Any) -> str:
    """Returns what there is instead of a label: one of another shape, such as one-hot, or the features' names."""
    for key in (*_INDEX_KEYS, *_NAME_KEYS):
        if key in features:
            kind = features[key].WhichOneof("kind")
            values = getattr(features[key], kind).value if kind else ()
            if len(values) != 1:
                return f"{len(values)} values in {key}"
            return f"{next(iter(values))!r} in {key}"
    return f"features {_names(features)}"


def _label(features: Any) -> Label | None:
    """Returns the label of a record: an index with its name, where it has both; or `None`.

    Raises:
      UnicodeDecodeError: a name is not UTF-8.
    """
    encoded = _first(features, _NAME_KEYS, "bytes_list")
    name = None if encoded is None else bytes(encoded).decode("utf-8").strip()
    index = _first(features, _INDEX_KEYS, "int64_list")
    number = _first(features, _INDEX_KEYS, "float_list")
    if index is None and number is not None and float(number).is_integer():
        index = number
    if index is None:
        return name
    # Tools that know no name write an empty one.
    return NamedIndex(int(index), name) if name else int(index)


def _first(features: Any, keys: tuple[str, ...], kind: str) -> Any:
    """Returns the single value of the first of `keys` that has one of this kind, or `None`."""
    # Looking a missing key up in a protobuf map would add it.
    for key in keys:
        if key in features and len(getattr(features[key], kind).value) == 1:
            return getattr(features[key], kind).value[0]
    return None


def _names(features: Any) -> str:
    return ", ".join(ascii(key) for key in sorted(features)[:8]) or "none"
