"""The Beam steps of `Ingest`: read, group into shards, write, and count.

A step handles many records at once: Beam's cost for each element is larger
than the work on one small image. What goes wrong with the data is passed on as
a value, since an exception inside a Beam worker reaches its user as a
traceback of the worker.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, TaggedOutput

from components.ingest import statistics
from learn2compress.config import DataConfig, TaskConfig
from learn2compress.data.examples import UNLABELLED, encode_example, shard_path, write_shard
from learn2compress.data.prepare import PreparedRecord, prepare, shard_of, split_of
from learn2compress.data.records import BadRecord, ReadPlan, SourceError, Split, Unit, class_names
from learn2compress.data.sources import read_unit

# Bounds the memory of a worker that reads a large file.
_RECORDS_PER_BUNDLE = 2048

_LABELS = "labels"
_HELD_OUT_CONTENT = "held_out_content"
_FINDINGS = "findings"
BAD = "bad"
FAILURE = "failure"
SHARD = "shard"
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
        | "Units" >> beam.Create(plan.units)
        | "Read" >> beam.ParDo(_Read(plan, data, task)).with_outputs(*_ASIDE, main="rows")
    )
    labels = read[_LABELS] | "Labels" >> beam.CombineGlobally(_union)
    # A shard that no record falls into is written too: readers expect all of them.
    keys = [(split.value, index) for split in Split for index in range(data.num_shards)]
    empty = pipeline | "Shards" >> beam.Create([(key, []) for key in keys])
    rows = (read["rows"], empty) | "AllShards" >> beam.Flatten()
    written = (
        {"rows": rows, "held_out": read[_HELD_OUT_CONTENT]}
        | "ByShard" >> beam.CoGroupByKey()
        | "Write" >> beam.FlatMap(_write_shard, AsSingleton(labels), plan.names, data.num_shards, examples)
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
        self._has_unlabelled = not all(unit.labelled for unit in plan.units)
        self._data = data
        self._task = task

    def process(self, unit: Unit) -> Iterator[Any]:
        pending: list[PreparedRecord] = []
        try:
            for record in read_unit(unit, self._task):
                prepared = (
                    record if isinstance(record, BadRecord) else prepare(record, self._task, resize=self._data.resize)
                )
                if isinstance(prepared, BadRecord):
                    yield TaggedOutput(_FINDINGS, (BAD, (unit.field, prepared.source, prepared.reason)))
                    continue
                pending.append(prepared)
                if len(pending) == _RECORDS_PER_BUNDLE:
                    yield from self._bundle(pending, unit.split)
                    pending = []
        except SourceError as error:
            yield TaggedOutput(_FINDINGS, (FAILURE, str(error)))
        if pending:
            yield from self._bundle(pending, unit.split)

    def _bundle(self, records: list[PreparedRecord], fixed: Split | None) -> Iterator[Any]:
        yield TaggedOutput(_LABELS, frozenset(record.label for record in records if record.label is not None))
        by_split: dict[Split, list[PreparedRecord]] = {}
        by_shard: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
        held_out: dict[tuple[str, int], list[str]] = {}
        for record in records:
            split = fixed or split_of(record.content_sha256, self._data.held_out_ratio)
            by_split.setdefault(split, []).append(record)
            index = shard_of(record.content_sha256, self._data.num_shards)
            row = (record.content_sha256, record.source, record.label, record.content, record.text)
            by_shard.setdefault((split.value, index), []).append(row)
            if self._has_unlabelled and split is Split.HELD_OUT:
                # Told to the training shard that the same content would be in.
                held_out.setdefault((Split.TRAIN.value, index), []).append(record.content_sha256)
        for split, members in by_split.items():
            labels = [self._name(record.label) for record in members]
            yield TaggedOutput(split.value, statistics.record_batch(members, labels))
        yield from (TaggedOutput(_HELD_OUT_CONTENT, contents) for contents in held_out.items())
        yield from by_shard.items()

    def _name(self, label: str | int | None) -> str | None:
        if label is None:
            return None
        known = isinstance(label, int) and self._names is not None and label < len(self._names)
        return self._names[label] if known else str(label)  # type: ignore[index]


def _union(sets: Iterable[frozenset[str | int]]) -> frozenset[str | int]:
    return frozenset().union(*sets)


def _write_shard(
    group: tuple[tuple[str, int], dict[str, Iterable[list[Any]]]],
    found: frozenset[str | int],
    declared: tuple[str, ...] | None,
    num_shards: int,
    folder: str,
) -> Iterator[tuple[str, Any]]:
    """Writes one shard, and yields the content hash and class of each record in it.

    An unlabelled example whose content is held out stays out of training, and is counted.
    """
    (split, index), bundles = group
    held_out = {digest for digests in bundles["held_out"] for digest in digests}
    names = declared or class_names(found)
    indices = {name: position for position, name in enumerate(names)}
    # Labelled ones first: a source may name an unlabelled record as another names a labelled one.
    rows = sorted(
        (row for bundle in bundles["rows"] for row in bundle), key=lambda row: (row[0], row[1], row[2] is None)
    )
    path = shard_path(Path(folder) / split, index, num_shards)
    content = []
    encoded = []
    num_left_out = 0
    for digest, source, label, pixels, text in rows:
        if label is None and digest in held_out:
            num_left_out += 1
            continue
        class_index = UNLABELLED if label is None else indices[str(label)]
        encoded.append(encode_example(pixels, class_index, digest, source, text))
        content.append((digest, class_index))
    if len({type(label) for label in found}) > 1:
        yield FAILURE, "data.uri: found labels that are numbers and labels that are text, accepted is one kind"
    try:
        write_shard(path, encoded)
    except OSError as error:
        yield FAILURE, f"{path} can't be written: {error.strerror or error}; make room, or see who may write there"
    yield SHARD, (split, names, content, num_left_out)


def _write_json(value: Any, path: str) -> None:
    Path(path).write_text(json.dumps(value), encoding="utf-8")


def tally_findings(findings: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Counts what all workers found.

    Returns:
      `failures` and `bad` (field, source, reason), sorted; `names` in index
      order; for each split its class counts by index, the numbers of unlabelled
      records and of those whose content an earlier one has, and the SHA-256 over the
      sorted lines "content hash, space, class name", without a name where there is no
      label; `num_shared`, contents in both splits; `num_left_out`, unlabelled records
      whose content is held out.
    """
    failures: list[str] = []
    bad: list[tuple[str, str, str]] = []
    names: tuple[str, ...] = ()
    content: dict[str, list[tuple[str, int]]] = {split.value: [] for split in Split}
    num_left_out = 0
    for kind, value in findings:
        if kind == FAILURE:
            failures.append(value)
        elif kind == BAD:
            bad.append(value)
        else:
            split, names, records, left_out = value
            content[split].extend(records)
            num_left_out += left_out
    distinct = {split: {digest for digest, _ in records} for split, records in content.items()}
    return {
        "failures": sorted(failures),
        "bad": sorted(bad),
        "names": names,
        "num_left_out": num_left_out,
        "num_shared": len(distinct[Split.TRAIN] & distinct[Split.HELD_OUT]),
        "splits": {
            split: {
                "class_counts": _class_counts(records, len(names)),
                "num_unlabelled": sum(label == UNLABELLED for _, label in records),
                "num_duplicates": len(records) - len(distinct[split]),
                "content_sha256": _content_sha256(records, names),
            }
            for split, records in content.items()
        },
    }


def _class_counts(records: list[tuple[str, int]], num_classes: int) -> list[int]:
    counts = Counter(label for _, label in records)
    return [counts[label] for label in range(num_classes)]


def _content_sha256(records: list[tuple[str, int]], names: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for content, label in sorted(records):
        digest.update(f"{content} {'' if label == UNLABELLED else names[label]}\n".encode())
    return digest.hexdigest()
