"""Writes one shard of a split as it is decided there: arranged, with class indices, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from learn2compress.data.assignment import arrange, class_index, settled_names
from learn2compress.data.examples import UNLABELLED, encode_example, shard_path, write_shard
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import Label, Split
from learn2compress.data.tally import MAX_LISTED_REPEATED, FailureFound, Finding, ShardWritten


def write_split_shard(
    split: Split,
    index: int,
    records: Iterable[tuple[int, PreparedRecord]],
    elsewhere: Mapping[Split, Mapping[str, Collection[Label]]],
    found: Iterable[Label],
    declared: tuple[str, ...] | None,
    keep_repeated: bool,
    num_shards: int,
    folder: str | Path,
) -> Finding:
    """Writes one shard, and returns what is in it, or what went wrong.

    A shard has all records of its content hashes, and is told those of the splits that it gives way to: what recurs is
    found here, whatever worker read it, and what stays out for it is counted.

    Args:
      split: Its split.
      index: Its number, from 0.
      records: All that belong into it: the index of the unit, and the record.
      elsewhere: Of each split that this one gives way to, labels by content hash of its records of these hashes.
      found: All labels of the data.
      declared: Class names that the source declares, or `None`.
      keep_repeated: See `keeps_repeated`.
      num_shards: Shards of the split.
      folder: Gets a folder for each split.

    Returns:
      A `ShardWritten`, or a `FailureFound` that says why there is none.
    """
    num_by_unit: Counter[int] = Counter()
    arriving = []
    for unit, record in records:
        num_by_unit[unit] += 1
        arriving.append(record)
    arranged = arrange(arriving, split, elsewhere, keep_repeated=keep_repeated)
    try:
        names = settled_names(declared, found)
        labels = [UNLABELLED if record.label is None else class_index(record, names) for record in arranged.stored]
    except ValueError as error:
        return FailureFound(str(error))
    encoded = [
        encode_example(record.content, label, record.content_sha256, record.source, record.text)
        for record, label in zip(arranged.stored, labels, strict=True)
    ]
    path = shard_path(Path(folder) / split, index, num_shards)
    try:
        write_shard(path, encoded)
    except OSError as error:
        return FailureFound(
            f"{path} can't be written: {error.strerror or error}; make room, or see who may write there"
        )
    return ShardWritten(
        split.value,
        index,
        names,
        [(record.content_sha256, label) for record, label in zip(arranged.stored, labels, strict=True)],
        arranged.num_labelled_left_out,
        arranged.num_unlabelled_left_out,
        arranged.num_conflicting,
        arranged.num_conflicting_stored,
        arranged.num_conflicting_left_out,
        sorted(arranged.repeated)[:MAX_LISTED_REPEATED],
        dict(num_by_unit),
    )
