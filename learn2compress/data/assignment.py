"""Where a record goes: its split, its shard, its place in the shard, its class index, and what stays out of training.

Pure functions, shared by `Ingest`, which works shard by shard on Beam's workers, and by `read_records`, which holds
everything in memory: what a notebook reads is what the pipeline trains on.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from learn2compress.config import DataConfig, RepeatedTexts, TaskConfig, TaskKind
from learn2compress.data.class_names import class_names
from learn2compress.data.prepare import PreparedRecord, prepare, split_of
from learn2compress.data.records import BadRecord, Label, NamedIndex, SourceError, Split, Unit
from learn2compress.data.sources import read_unit


class RepeatedRecord(NamedTuple):
    """A record whose content recurs in a way that a reader should know of.

    Attributes:
      split: Where it belongs by its source or content.
      source: Where it came from.
      label: Its label as text; empty where it has none.
      is_stored: Whether it stays in its split all the same.
      has_other_label: Whether a record with its content has another label.
      reason: One sentence.
    """

    split: str
    source: str
    label: str
    is_stored: bool
    has_other_label: bool
    reason: str


@dataclasses.dataclass(frozen=True)
class ArrangedRecords:
    """Records of one split or one shard as they are stored.

    Attributes:
      stored: Records in their stored order.
      num_labelled_left_out: Labelled records that stay out since their content is in a split that theirs gives way to.
      num_unlabelled_left_out: Unlabelled ones, likewise.
      num_conflicting: Labelled records whose content has another label, too, whatever became of them.
      num_conflicting_stored: Those of them that stay.
      num_conflicting_left_out: Those that stay out of training for this alone: no other split has their content.
      repeated: All that were left out or have another label, too.
    """

    stored: list[PreparedRecord]
    num_labelled_left_out: int = 0
    num_unlabelled_left_out: int = 0
    num_conflicting: int = 0
    num_conflicting_stored: int = 0
    num_conflicting_left_out: int = 0
    repeated: tuple[RepeatedRecord, ...] = ()


def read_prepared(unit: Unit, data: DataConfig, task: TaskConfig) -> Iterator[PreparedRecord | BadRecord]:
    """Reads and prepares the records of one unit.

    Args:
      unit: What to read.
      data: How images are turned and resized.
      task: What students receive.

    Yields:
      One result for each record of the source, in its order.

    Raises:
      SourceError: the source can't be read to its end.
    """
    for record in read_unit(unit, task):
        yield record if isinstance(record, BadRecord) else prepare(record, task, data)


def assigned_split(record: PreparedRecord, unit: Unit, data: DataConfig) -> Split:
    """Returns the split of a record: its source's, or the one that its content decides.

    Args:
      record: From `read_prepared`.
      unit: The unit that it was read from.
      data: The share that is held out where content decides.
    """
    return unit.split or split_of(record.content_sha256, data.held_out_ratio)


def can_share_content(units: Iterable[Unit]) -> bool:
    """Returns whether the same content can be in several splits: only where a source belongs to one of them."""
    return any(unit.split is not None for unit in units)


def keeps_repeated(data: DataConfig, task: TaskConfig) -> bool:
    """Returns whether labelled records stay whose content another split has, or that has another label.

    Args:
      data: What becomes of repeated texts.
      task: What the records are: an image that recurs is a copy.
    """
    return task.kind is TaskKind.TEXT and data.repeated_texts is RepeatedTexts.KEEP


def arrange(
    records: Iterable[PreparedRecord],
    split: Split,
    elsewhere: Mapping[Split, Mapping[str, Collection[Label]]] | None = None,
    *,
    keep_repeated: bool = False,
) -> ArrangedRecords:
    """Sorts the records of a split or a shard, and leaves out what would spoil training, choices or measurements.

    Nothing is left out of the held-out split: somebody chose it, or content did. Records to choose by stay out where
    their content is held out. Out of training stay records whose content is held out or chosen by, and labelled ones
    whose content has another label, too: nobody knows which one is right. An unlabelled record of that content stays,
    and the teacher tells its class.

    Args:
      records: In any order.
      split: The split that they belong to.
      elsewhere: Of each split that this one gives way to (`Split.gives_way_to`), labels of its records by content hash,
        at least of those whose content the records may share; an unlabelled one has none.
      keep_repeated: Labelled records stay all the same; see `keeps_repeated`.

    Returns:
      Records in the order of content hash and source, the labelled one of two that share both first.
    """
    stored: list[PreparedRecord] = []
    repeated: list[RepeatedRecord] = []
    counts: Counter[str] = Counter()
    others = [(other, (elsewhere or {}).get(other, {})) for other in split.gives_way_to]
    # A source may name an unlabelled record as another names a labelled one.
    ordered = sorted(records, key=lambda record: (record.content_sha256, record.source, record.label is None))
    for content_sha256, group in itertools.groupby(ordered, key=lambda record: record.content_sha256):
        together = list(group)
        shared = {other: labels[content_sha256] for other, labels in others if content_sha256 in labels}
        labels = {record.label for record in together if record.label is not None}
        conflicting = len(labels.union(*shared.values())) > 1
        for record in together:
            is_labelled = record.label is not None
            is_conflicting = is_labelled and conflicting
            spoils = bool(shared) or (is_conflicting and split is Split.TRAIN)
            is_stored = not spoils or (keep_repeated and is_labelled)
            if is_stored:
                stored.append(record)
            elif shared:
                counts["labelled" if is_labelled else "unlabelled"] += 1
            else:
                counts["conflicting left out"] += 1
            counts["conflicting"] += is_conflicting
            counts["conflicting stored"] += is_conflicting and is_stored
            if is_conflicting or not is_stored:
                reason = _repeated_reason(record, together, shared)
                label = "" if record.label is None else str(record.label)
                repeated.append(RepeatedRecord(split.value, record.source, label, is_stored, is_conflicting, reason))
    return ArrangedRecords(
        stored,
        counts["labelled"],
        counts["unlabelled"],
        counts["conflicting"],
        counts["conflicting stored"],
        counts["conflicting left out"],
        tuple(repeated),
    )


def _repeated_reason(
    record: PreparedRecord, together: Iterable[PreparedRecord], shared: Mapping[Split, Collection[Label]]
) -> str:
    for split, labels in shared.items():
        others = sorted(str(label) for label in labels if record.label not in (None, label))
        where = "held out" if split is Split.HELD_OUT else "in the validation split"
        return f"its content is {where}{f' with label {others[0]!r}' if others else ''}"
    other = next(other for other in together if other.label not in (None, record.label))
    return f"{other.source} has its content and label {str(other.label)!r}"


def settled_names(declared: tuple[str, ...] | None, found: Iterable[Label]) -> tuple[str, ...]:
    """Returns the class names in index order.

    Args:
      declared: Names that the source declares, or `None`.
      found: Labels of the records.

    Raises:
      SourceError: labels are numbers and text at once, one is none of the declared classes, or an index has two names.
    """
    labels = set(found)
    if len({isinstance(label, str) for label in labels}) > 1:
        raise SourceError("data.uri: found labels that are numbers and labels that are text, accepted is one kind")
    if declared is None:
        return class_names(labels)
    positions = _positions(declared)
    for label in labels:
        if isinstance(label, NamedIndex) and 0 <= label.index < len(declared) and declared[label.index] != label.name:
            raise SourceError(
                f"data.uri: found label {label.index} with the name {label.name!r} in a record, and "
                f"{declared[label.index]!r} declared beside it, accepted is one name"
            )
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


def _position(label: Label, positions: Mapping[str, int]) -> int | None:
    if isinstance(label, str):
        return positions.get(label)
    # A source with declared names may store indices.
    index = label.index if isinstance(label, NamedIndex) else label
    return index if 0 <= index < len(positions) else None
