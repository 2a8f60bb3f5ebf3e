"""Reads, checks and writes all examples in this process, as `Ingest` does on the workers of Apache Beam.

Memory holds the prepared examples as a whole: bytes of `task.input_shape` each, which fit where the arrays did that
they came from.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import TypeAdapter

from learn2compress import progress
from learn2compress.config import DataConfig, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.assignment import assigned_split, keeps_repeated, read_prepared
from learn2compress.data.checks import check_held_out_classes, check_trained_classes, first_reasons
from learn2compress.data.conclusions import check_counts, record_notes, write_bad_records, write_repeated
from learn2compress.data.prepare import PreparedRecord, shard_of
from learn2compress.data.records import BadRecord, Label, ReadPlan, Split, Unit, splits_of
from learn2compress.data.shard_writing import write_split_shard
from learn2compress.data.tally import BadRecordFound, Finding, UnitRead, check_complete, summarize, tally_findings
from learn2compress.file_names import BAD_RECORDS_FILE, INGEST_REPORT_FILE, LABELS_FILE, REPEATED_FILE
from learn2compress.results.data import DataReport
from learn2compress.results.data_words import data_sentences
from learn2compress.results.reports import write_json

PreparedRecords = Iterator[PreparedRecord | BadRecord]
_WORK = "read the examples"
_REPORT_EVERY = 500


@dataclasses.dataclass
class _Read:
    """What was read: records by split and shard, labels by content of each, and everything that is counted."""

    records: dict[tuple[Split, int], list[tuple[int, PreparedRecord]]]
    content: dict[tuple[Split, int], dict[str, set[Label]]]
    findings: list[Finding]
    labels: set[Label]
    counts: Counter[Split]


def write_examples(
    plan: ReadPlan,
    data: DataConfig,
    task: TaskConfig,
    folder: Path,
    read: Callable[[Unit], PreparedRecords] | None = None,
) -> DataReport:
    """Reads all examples, and writes the folder that `Ingest` would write: the same shards, byte for byte.

    Example:
      >>> from pathlib import Path
      >>> from learn2compress.config import DataConfig, TaskConfig
      >>> from learn2compress.data.sources import plan
      >>> from learn2compress.data.writing import write_examples
      >>> report = write_examples(plan(DataConfig(), TaskConfig()), DataConfig(), TaskConfig(), Path("examples"))
      >>> report.num_train, report.num_held_out, report.labels[:3]
      (1412, 385, ('0', '1', '2'))

    Args:
      plan: What to read.
      data: How to read and split it, and which data will do.
      task: What students receive.
      folder: Gets a folder of shards for each split, the labels and the report.
      read: Reads and prepares the records of one unit; by default from where the unit says.

    Returns:
      What was counted.

    Raises:
      ConfigError: the data can't be used: a source is damaged, too many records are bad or have several labels, or a
        class has no training or no held-out example.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = _read_all(plan, data, task, read or (lambda unit: read_prepared(unit, data, task)))
    keep_repeated = keeps_repeated(data, task)
    for split in splits_of(plan.units):
        for index in range(data.num_shards):
            elsewhere = {other: found.content.get((other, index), {}) for other in split.gives_way_to}
            records = found.records.get((split, index), [])
            found.findings.append(
                write_split_shard(
                    split, index, records, elsewhere, found.labels, plan.names, keep_repeated, data.num_shards, folder
                )
            )
    tally = tally_findings(found.findings)
    bad = write_bad_records(plan, tally, folder / BAD_RECORDS_FILE)
    if tally["failures"]:
        raise ConfigError(tally["failures"][0])
    check_complete(plan.units, keep_repeated, data.num_shards, tally, found.counts)
    summary = summarize(tally, len(bad))
    check_counts(plan, data, task, tally, summary, bad, write_repeated(tally, folder / REPEATED_FILE))
    check_trained_classes(summary)
    check_held_out_classes(summary, data)
    summary["notes"] = (*plan.notes, *record_notes(data, summary))
    report = TypeAdapter(DataReport).validate_python(summary)
    (folder / LABELS_FILE).write_text("".join(f"{name}\n" for name in report.labels), "utf-8")
    write_json(folder / INGEST_REPORT_FILE, report)
    if bad:
        progress.notice("data", f"{len(bad)} bad records are left out: {first_reasons(bad)}")
    for sentence in data_sentences(dataclasses.replace(report, num_bad=0)):
        progress.notice("data", sentence)
    return report


def _read_all(plan: ReadPlan, data: DataConfig, task: TaskConfig, read: Callable[[Unit], PreparedRecords]) -> _Read:
    found = _Read({}, {}, [], set(), Counter())
    totals = [unit.num_records for unit in plan.units]
    total = sum(number for number in totals if number is not None) if None not in totals else None
    num_done = 0
    for number, unit in enumerate(plan.units):
        num_records = num_with_orientation = 0
        for record in read(unit):
            num_records += 1
            num_done += 1
            if num_done % _REPORT_EVERY == 1:
                progress.report(_WORK, min(num_done, total or num_done), total or num_done + 1, unit="examples")
            if isinstance(record, BadRecord):
                found.findings.append(BadRecordFound(number, record.source, record.reason))
                continue
            num_with_orientation += record.has_orientation
            _add(found, number, record, unit, data)
        found.findings.append(UnitRead(number, num_records, num_with_orientation))
    progress.report(_WORK, num_done or 1, num_done or 1, unit="examples")
    return found


def _add(found: _Read, number: int, record: PreparedRecord, unit: Unit, data: DataConfig) -> None:
    split = assigned_split(record, unit, data)
    shard = shard_of(record.content_sha256, data.num_shards)
    found.records.setdefault((split, shard), []).append((number, record))
    found.counts[split] += 1
    if record.label is not None:
        found.labels.add(record.label)
    if split is not Split.TRAIN:
        labels = found.content.setdefault((split, shard), {}).setdefault(record.content_sha256, set())
        labels.update(() if record.label is None else (record.label,))
