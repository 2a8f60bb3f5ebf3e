"""The Beam steps of `Ingest`: read, group into shards, write, and count.

A step handles many records at once: Beam's cost for each element is larger
than the work on one small image. What goes wrong with the data is passed on as
a value, since an exception inside a Beam worker reaches its user as a
traceback of the worker.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, TaggedOutput

from components.ingest import statistics
from learn2compress.config import DataConfig, TaskConfig
from learn2compress.data.assignment import (
    assigned_split,
    can_share_content,
    keeps_repeated,
    read_prepared,
)
from learn2compress.data.prepare import PreparedRecord, shard_of
from learn2compress.data.records import BadRecord, Label, NamedIndex, ReadPlan, SourceError, Split, Unit, splits_of
from learn2compress.data.shard_writing import write_split_shard
from learn2compress.data.tally import (
    BadRecordFound,
    FailureFound,
    Finding,
    UnitRead,
    tally_findings,
)

# Bounds the memory of a worker that reads a large file.
_RECORDS_PER_BUNDLE = 2048

_LABELS = "labels"
_CONTENT = "content"
_FINDINGS = "findings"
_ASIDE = (_LABELS, _FINDINGS, _CONTENT, *Split)


def build(
    pipeline: beam.Pipeline, plan: ReadPlan, data: DataConfig, task: TaskConfig, examples: str, stats: str, tally: str
) -> None:
    """Adds all steps to the pipeline.

    Args:
      pipeline: An empty pipeline.
      plan: What to read.
      data: How to split.
      task: What students receive.
      examples: Folder that gets a folder of shards for each split.
      stats: Folder that gets the statistics of each split.
      tally: File that gets what `tally_findings` returns, as JSON.
    """
    read = (
        pipeline
        | "Units" >> beam.Create(list(enumerate(plan.units)))
        | "Read" >> beam.ParDo(_Read(plan, data, task)).with_outputs(*_ASIDE, main="rows")
    )
    labels = read[_LABELS] | "Labels" >> beam.CombineGlobally(_union)
    # A shard that no record falls into is written too: readers expect all of them.
    splits = splits_of(plan.units)
    keys = [((split.value, index), None) for split in splits for index in range(data.num_shards)]
    written = (
        {"rows": read["rows"], "elsewhere": read[_CONTENT], "shards": pipeline | "Shards" >> beam.Create(keys)}
        | "ByShard" >> beam.CoGroupByKey()
        | "Write"
        >> beam.Map(
            _write_shard, AsSingleton(labels), plan.names, keeps_repeated(data, task), data.num_shards, examples
        )
    )
    _ = (
        (written, read[_FINDINGS])
        | "AllFindings" >> beam.Flatten()
        | "Together" >> beam.GroupBy(lambda _: 0)
        | "Tally" >> beam.MapTuple(lambda _, findings: tally_findings(findings))
        | "WriteTally" >> beam.Map(_write_json, tally)
    )
    for split in splits:
        statistics.write_split_statistics(read[split.value], split, stats)


class _Read(beam.DoFn):
    """Reads a unit; yields rows by shard, and labels, content of other splits, statistics and findings aside."""

    def __init__(self, plan: ReadPlan, data: DataConfig, task: TaskConfig):
        self._names = plan.names
        self._splits = splits_of(plan.units)
        self._can_share_content = can_share_content(plan.units)
        self._data = data
        self._task = task

    def process(self, numbered: tuple[int, Unit]) -> Iterator[Any]:
        index, unit = numbered
        pending: list[PreparedRecord] = []
        num_records = num_with_orientation = 0
        try:
            for record in read_prepared(unit, self._data, self._task):
                num_records += 1
                if isinstance(record, BadRecord):
                    yield TaggedOutput(_FINDINGS, BadRecordFound(index, record.source, record.reason))
                    continue
                num_with_orientation += record.has_orientation
                pending.append(record)
                if len(pending) == _RECORDS_PER_BUNDLE:
                    yield from self._bundle(pending, index, unit)
                    pending = []
        except SourceError as error:
            yield TaggedOutput(_FINDINGS, FailureFound(str(error)))
        if pending:
            yield from self._bundle(pending, index, unit)
        yield TaggedOutput(_FINDINGS, UnitRead(index, num_records, num_with_orientation))

    def _bundle(self, records: list[PreparedRecord], unit_index: int, unit: Unit) -> Iterator[Any]:
        yield TaggedOutput(_LABELS, frozenset(record.label for record in records if record.label is not None))
        by_split: dict[Split, list[PreparedRecord]] = {}
        by_shard: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
        elsewhere: dict[tuple[str, int], list[tuple[str, str, Label | None]]] = {}
        for record in records:
            split = assigned_split(record, unit, self._data)
            by_split.setdefault(split, []).append(record)
            index = shard_of(record.content_sha256, self._data.num_shards)
            # Not the record itself: Beam encodes a tuple much quicker, and nobody needs the measures any more.
            row = (record.content_sha256, record.source, record.label, record.content, record.text)
            by_shard.setdefault((split.value, index), []).append(row)
            if self._can_share_content:
                for other in self._splits:
                    if split in other.gives_way_to:
                        # Told to the shard that the same content would be in, with its label.
                        told = (split.value, record.content_sha256, record.label)
                        elsewhere.setdefault((other.value, index), []).append(told)
        for split, members in by_split.items():
            labels = [self._name(record.label) for record in members]
            yield TaggedOutput(split.value, statistics.record_batch(members, labels))
        yield from (TaggedOutput(_CONTENT, contents) for contents in elsewhere.items())
        yield from ((key, (unit_index, rows)) for key, rows in by_shard.items())

    def _name(self, label: Label | None) -> str | None:
        if label is None or isinstance(label, str):
            return label
        # Not every record of a class may have its name beside the index.
        index = label.index if isinstance(label, NamedIndex) else label
        return self._names[index] if self._names is not None and index < len(self._names) else str(index)


def _union(sets: Iterable[frozenset[Label]]) -> frozenset[Label]:
    return frozenset().union(*sets)


def _write_shard(
    group: tuple[tuple[str, int], dict[str, Iterable[Any]]],
    found: frozenset[Label],
    declared: tuple[str, ...] | None,
    keep_repeated: bool,
    num_shards: int,
    folder: str,
) -> Finding:
    """Writes one shard of what Beam grouped; see `write_split_shard`.

    Args:
      group: Split and number of the shard; and what Beam grouped: `rows` (index of the
        unit, its rows) and `elsewhere` (splits that it gives way to, content hashes and labels).
      found: All labels.
      declared: Class names that the source declares, or `None`.
      keep_repeated: See `keeps_repeated`.
      num_shards: Shards of the split.
      folder: Gets a folder for each split.
    """
    (split, index), bundles = group
    records = (
        (unit, PreparedRecord(digest, source, label, content, text, {}))
        for unit, rows in bundles["rows"]
        for digest, source, label, content, text in rows
    )
    elsewhere: dict[Split, dict[str, set[Label]]] = {}
    for other, digest, told in itertools.chain.from_iterable(bundles["elsewhere"]):
        labels = elsewhere.setdefault(Split(other), {}).setdefault(digest, set())
        labels.update(() if told is None else (told,))
    return write_split_shard(
        Split(split), index, records, elsewhere, found, declared, keep_repeated, num_shards, folder
    )


def _write_json(value: Any, path: str) -> None:
    Path(path).write_text(json.dumps(value), encoding="utf-8")
