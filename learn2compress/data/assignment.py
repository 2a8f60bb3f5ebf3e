"""Where a record goes: its split, its shard, its place in the shard, its class index, and what stays out of training.

Pure functions, shared by `Ingest`, which works shard by shard on Beam's workers, and by `read_records`, which holds
everything in memory: what a notebook reads is what the pipeline trains on.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping

from learn2compress.config import DataConfig, TaskConfig, TaskKind
from learn2compress.data.prepare import PreparedRecord, prepare, split_of
from learn2compress.data.records import BadRecord, SourceError, Split, Unit, class_names
from learn2compress.data.sources import read_unit


@dataclasses.dataclass(frozen=True)
class ArrangedRecords:
    """Records of one split or one shard as they are stored.

    Attributes:
      stored: Records in their stored order.
      num_labelled_left_out: Labelled records that stay out of training since their content is held out.
      num_unlabelled_left_out: Unlabelled ones, likewise.
    """

    stored: list[PreparedRecord]
    num_labelled_left_out: int
    num_unlabelled_left_out: int


def read_prepared(unit: Unit, data: DataConfig, task: TaskConfig) -> Iterator[PreparedRecord | BadRecord]:
    """Reads and prepares the records of one unit.

    Args:
      unit: What to read.
      data: Whether images are resized.
      task: What students receive.

    Yields:
      One result for each record of the source, in its order.

    Raises:
      SourceError: the source can't be read to its end.
    """
    for record in read_unit(unit, task):
        yield record if isinstance(record, BadRecord) else prepare(record, task, resize=data.resize)


def assigned_split(record: PreparedRecord, unit: Unit, data: DataConfig) -> Split:
    """Returns the split of a record: its source's, or the one that its content decides.

    Args:
      record: From `read_prepared`.
      unit: The unit that it was read from.
      data: The share that is held out where content decides.
    """
    return unit.split or split_of(record.content_sha256, data.held_out_ratio)


def can_share_content(units: Iterable[Unit]) -> bool:
    """Returns whether the same content can be in both splits: only where a source belongs to one of them."""
    return any(unit.split is not None for unit in units)


def arrange(
    records: Iterable[PreparedRecord], kind: TaskKind, held_out_sha256: Collection[str] = ()
) -> ArrangedRecords:
    """Sorts the records of a split or a shard, and leaves out of training what is held out.

    Labelled texts stay: people say "yes" over and over, and a training split without
    the texts that recur in the held-out one would be no sample of what they say. An
    image that recurs is a copy.

    Args:
      records: In any order.
      kind: What the records are.
      held_out_sha256: Content hashes of the held-out split where the records are for training: at least those that
        the records may share.

    Returns:
      Records in the order of content hash and source, the labelled one of two that share both first.
    """
    stored, left_out = [], {True: 0, False: 0}
    # A source may name an unlabelled record as another names a labelled one.
    for record in sorted(records, key=lambda record: (record.content_sha256, record.source, record.label is None)):
        stays = kind is TaskKind.TEXT and record.label is not None
        if record.content_sha256 in held_out_sha256 and not stays:
            left_out[record.label is not None] += 1
        else:
            stored.append(record)
    return ArrangedRecords(stored, left_out[True], left_out[False])


def settled_names(declared: tuple[str, ...] | None, found: Iterable[str | int]) -> tuple[str, ...]:
    """Returns the class names in index order.

    Args:
      declared: Names that the source declares, or `None`.
      found: Labels of the records.

    Raises:
      SourceError: labels are numbers and text at once, or one is none of the declared classes.
    """
    labels = set(found)
    if len({type(label) for label in labels}) > 1:
        raise SourceError("data.uri: found labels that are numbers and labels that are text, accepted is one kind")
    if declared is None:
        return class_names(labels)
    positions = _positions(declared)
    unknown = sorted(str(label) for label in labels if _position(label, positions) is None)
    if unknown:
        raise SourceError(f"data.uri: found label {unknown[0]!r}, accepted are the classes that the source declares")
    return declared


def class_index(record: PreparedRecord, names: tuple[str, ...]) -> int:
    """Returns the index of a labelled record's class.

    Args:
      record: With a label.
      names: From `settled_names`, called with the labels of all records.

    Raises:
      ValueError: the record has no label, or none of these.
    """
    index = None if record.label is None else _position(record.label, _positions(names))
    if index is None:
        raise ValueError(f"{record.source}: found label {record.label!r}, accepted are {len(names)} classes")
    return index


@functools.lru_cache(maxsize=8)
def _positions(names: tuple[str, ...]) -> Mapping[str, int]:
    return {name: position for position, name in enumerate(names)}


def _position(label: str | int, positions: Mapping[str, int]) -> int | None:
    # A source with declared names may store indices.
    if isinstance(label, int):
        return label if 0 <= label < len(positions) else None
    return positions.get(label)
