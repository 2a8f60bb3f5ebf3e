"""The Beam steps of `Ingest`: read, group into shards, write, and count.

A step handles many records at once: Beam's cost for each element is larger
than the work on one small image. What goes wrong with the data is passed on as
a value, since an exception inside a Beam worker reaches its user as a
traceback of the worker.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, TaggedOutput

from components.ingest import statistics
from components.ingest.tally import BadRecordFound, FailureFound, Finding, ShardWritten, UnitRead, tally_findings
from learn2compress.config import DataConfig, TaskConfig, TaskKind
from learn2compress.data.assignment import (
    arrange,
    assigned_split,
    can_share_content,
    class_index,
    read_prepared,
    settled_names,
)
from learn2compress.data.examples import UNLABELLED, encode_example, shard_path, write_shard
from learn2compress.data.prepare import PreparedRecord, shard_of
from learn2compress.data.records import BadRecord, ReadPlan, SourceError, Split, Unit

# Bounds the memory of a worker that reads a large file.
_RECORDS_PER_BUNDLE = 2048

_LABELS = "labels"
_HELD_OUT_CONTENT = "held_out_content"
_FINDINGS = "findings"
_ASIDE = (_LABELS, _FINDINGS, _HELD_OUT_CONTENT, *Split)


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
    keys = [((split.value, index), None) for split in Split for index in range(data.num_shards)]
    written = (
        {"rows": read["rows"], "held_out": read[_HELD_OUT_CONTENT], "shards": pipeline | "Shards" >> beam.Create(keys)}
        | "ByShard" >> beam.CoGroupByKey()
        | "Write" >> beam.FlatMap(_write_shard, AsSingleton(labels), plan.names, task.kind, data.num_shards, examples)
    )
    _ = (
        (written, read[_FINDINGS])
        | "AllFindings" >> beam.Flatten()
        | "Together" >> beam.GroupBy(lambda _: 0)
        | "Tally" >> beam.MapTuple(lambda _, findings: tally_findings(findings))
        | "WriteTally" >> beam.Map(_write_json, tally)
    )
    for split in Split:
        statistics.write_split_statistics(read[split.value], split, stats)


class _Read(beam.DoFn):
    """Reads a unit; yields rows by shard, and labels, held-out content, statistics and findings aside."""

    def __init__(self, plan: ReadPlan, data: DataConfig, task: TaskConfig):
        self._names = plan.names
        self._can_share_content = can_share_content(plan.units)
        self._data = data
        self._task = task

    def process(self, numbered: tuple[int, Unit]) -> Iterator[Any]:
        index, unit = numbered
        pending: list[PreparedRecord] = []
        num_records = 0
        try:
            for record in read_prepared(unit, self._data, self._task):
                num_records += 1
                if isinstance(record, BadRecord):
                    yield TaggedOutput(_FINDINGS, BadRecordFound(index, record.source, record.reason))
                    continue
                pending.append(record)
                if len(pending) == _RECORDS_PER_BUNDLE:
                    yield from self._bundle(pending, index, unit)
                    pending = []
        except SourceError as error:
            yield TaggedOutput(_FINDINGS, FailureFound(str(error)))
        if pending:
            yield from self._bundle(pending, index, unit)
        yield TaggedOutput(_FINDINGS, UnitRead(index, num_records))

    def _bundle(self, records: list[PreparedRecord], unit_index: int, unit: Unit) -> Iterator[Any]:
        yield TaggedOutput(_LABELS, frozenset(record.label for record in records if record.label is not None))
        by_split: dict[Split, list[PreparedRecord]] = {}
        by_shard: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
        held_out: dict[tuple[str, int], list[str]] = {}
        for record in records:
            split = assigned_split(record, unit, self._data)
            by_split.setdefault(split, []).append(record)
            index = shard_of(record.content_sha256, self._data.num_shards)
            # Not the record itself: Beam encodes a tuple much quicker, and nobody needs the measures any more.
            row = (record.content_sha256, record.source, record.label, record.content, record.text)
            by_shard.setdefault((split.value, index), []).append(row)
            if self._can_share_content and split is Split.HELD_OUT:
                # Told to the training shard that the same content would be in.
                held_out.setdefault((Split.TRAIN.value, index), []).append(record.content_sha256)
        for split, members in by_split.items():
            labels = [self._name(record.label) for record in members]
            yield TaggedOutput(split.value, statistics.record_batch(members, labels))
        yield from (TaggedOutput(_HELD_OUT_CONTENT, contents) for contents in held_out.items())
        yield from ((key, (unit_index, rows)) for key, rows in by_shard.items())

    def _name(self, label: str | int | None) -> str | None:
        if label is None:
            return None
        known = isinstance(label, int) and self._names is not None and label < len(self._names)
        return self._names[label] if known else str(label)  # type: ignore[index]


def _union(sets: Iterable[frozenset[str | int]]) -> frozenset[str | int]:
    return frozenset().union(*sets)


def _write_shard(
    group: tuple[tuple[str, int], dict[str, Iterable[Any]]],
    found: frozenset[str | int],
    declared: tuple[str, ...] | None,
    kind: TaskKind,
    num_shards: int,
    folder: str,
) -> Iterator[Finding]:
    """Writes one shard, and yields what is in it, or what went wrong.

    What stays out of training, since its content is held out, is counted.

    Args:
      group: Split and number of the shard; and what Beam grouped: `rows` (index of the
        unit, its rows) and `held_out` (content hashes).
      found: All labels.
      declared: Class names that the source declares, or `None`.
      kind: What the records are.
      num_shards: Shards of the split.
      folder: Gets a folder for each split.
    """
    (split, index), bundles = group
    num_by_unit: Counter[int] = Counter()
    records = []
    for unit, rows in bundles["rows"]:
        num_by_unit[unit] += len(rows)
        records += [
            PreparedRecord(digest, source, label, content, text, {}) for digest, source, label, content, text in rows
        ]
    arranged = arrange(records, kind, {digest for digests in bundles["held_out"] for digest in digests})
    try:
        names = settled_names(declared, found)
        labels = [UNLABELLED if record.label is None else class_index(record, names) for record in arranged.stored]
    except ValueError as error:
        yield FailureFound(str(error))
        return
    encoded = [
        encode_example(record.content, label, record.content_sha256, record.source, record.text)
        for record, label in zip(arranged.stored, labels, strict=True)
    ]
    path = shard_path(Path(folder) / split, index, num_shards)
    try:
        write_shard(path, encoded)
    except OSError as error:
        yield FailureFound(f"{path} can't be written: {error.strerror or error}; make room, or see who may write there")
        return
    yield ShardWritten(
        split,
        index,
        names,
        [(record.content_sha256, label) for record, label in zip(arranged.stored, labels, strict=True)],
        arranged.num_labelled_left_out,
        arranged.num_unlabelled_left_out,
        dict(num_by_unit),
    )


def _write_json(value: Any, path: str) -> None:
    Path(path).write_text(json.dumps(value), encoding="utf-8")
