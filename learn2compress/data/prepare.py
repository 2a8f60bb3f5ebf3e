"""From a record as stored to the canonical input of students, with its content hash and split."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from learn2compress.config import DataConfig, TaskConfig, TaskKind
from learn2compress.data.decode import DecodeError, image_input
from learn2compress.data.records import BadRecord, Label, NamedIndex, RawRecord, Split, label_problem
from learn2compress.data.text_features import MAX_TEXT_CHARACTERS, text_input


@dataclasses.dataclass(frozen=True)
class PreparedRecord:
    """A record as students take it.

    Attributes:
      content_sha256: Hex SHA-256 of `content`.
      source: Where the record came from.
      label: Name of the class, or its index, or both, or `None` where nobody told it.
      content: The uint8 input of `task.input_shape`, in C order.
      text: The text, for text tasks.
      measures: What statistics are made of, by name.
      has_orientation: Whether it is a photo whose EXIF orientation says that its stored pixels are turned or mirrored.
    """

    content_sha256: str
    source: str
    label: Label | None
    content: bytes
    text: str | None
    measures: dict[str, float]
    has_orientation: bool = False


# Names of `PreparedRecord.measures`; sizes are those of the original.
MEASURES = {
    TaskKind.IMAGE: ("pixel_mean", "pixel_std", "height", "width"),
    TaskKind.TEXT: ("num_characters", "num_words", "num_features"),
}


def prepare(record: RawRecord, task: TaskConfig, data: DataConfig) -> PreparedRecord | BadRecord:
    """Validates and converts one record.

    Args:
      record: As a reader yields it.
      task: What students receive.
      data: How images are turned and resized.

    Returns:
      The input, or why there is none: one record never stops a run.
    """
    name = record.label.name if isinstance(record.label, NamedIndex) else record.label
    if isinstance(name, str) and (problem := label_problem(name)):
        return BadRecord(record.source, problem)
    if isinstance(record.payload, str):
        return _prepare_text(record, record.payload, task)
    try:
        image = image_input(record.payload, task.input_shape, data)
    except DecodeError as error:
        return BadRecord(record.source, str(error))
    pixels = image.pixels
    measures = (float(pixels.mean()), float(pixels.std()), float(image.height), float(image.width))
    prepared = _prepared(record, pixels.tobytes(), None, dict(zip(MEASURES[TaskKind.IMAGE], measures, strict=True)))
    return dataclasses.replace(prepared, has_orientation=image.has_orientation)


def split_of(content_sha256: str, held_out_ratio: float) -> Split:
    """Returns the split that content belongs to: the same content is always on the same side.

    Args:
      content_sha256: Hex SHA-256 of the content.
      held_out_ratio: Share of the hash space that is held out, 0..1.
    """
    return Split.HELD_OUT if int(content_sha256[:8], 16) / 2**32 < held_out_ratio else Split.TRAIN


def shard_of(content_sha256: str, num_shards: int) -> int:
    """Returns the index of the shard that content belongs to, by other digits of the hash than `split_of` uses.

    Args:
      content_sha256: Hex SHA-256 of the content.
      num_shards: At least 1.
    """
    return int(content_sha256[8:16], 16) % num_shards


def _prepare_text(record: RawRecord, text: str, task: TaskConfig) -> PreparedRecord | BadRecord:
    if len(text) > MAX_TEXT_CHARACTERS:
        return BadRecord(record.source, f"found {len(text)} characters, accepted are {MAX_TEXT_CHARACTERS} at most")
    features = text_input(text, task)
    if not features.any():
        return BadRecord(record.source, "found no text, accepted is at least one word")
    measures = (float(len(text)), float(len(text.split())), float(np.count_nonzero(features)))
    return _prepared(record, features.tobytes(), text, dict(zip(MEASURES[TaskKind.TEXT], measures, strict=True)))


def _prepared(record: RawRecord, content: bytes, text: str | None, measures: dict[str, float]) -> PreparedRecord:
    digest = hashlib.sha256(content).hexdigest()
    return PreparedRecord(digest, record.source, record.label, content, text, measures)
