"""What follows from the counts of all records: the lists of those refused or left out, the checks, and the notes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learn2compress.config import DataConfig, ExifOrientation, TaskConfig
from learn2compress.data.assignment import RepeatedRecord, keeps_repeated
from learn2compress.data.checks import check_bad_ratio, check_conflicts, check_labels, check_splits
from learn2compress.data.class_names import naming_notes
from learn2compress.data.completeness import check_declared
from learn2compress.data.records import ReadPlan

_WHAT_EXIF_DOES = {
    ExifOrientation.APPLY: "they are turned upright, and a teacher that saw them as stored needs data.exif: ignore",
    ExifOrientation.IGNORE: "they are taken as stored, and a teacher that saw them upright needs data.exif: apply",
}


def write_bad_records(plan: ReadPlan, tally: Mapping[str, Any], path: Path) -> list[dict[str, str]]:
    """Writes the list of the records that were refused, a JSON object a line.

    Args:
      plan: What was read.
      tally: From `tally_findings`.
      path: The file.

    Returns:
      The bad records: `field`, `source` and `reason` of each, sorted.
    """
    refused = [{"field": record.field, "source": record.source, "reason": record.reason} for record in plan.refused]
    found = [
        {"field": plan.units[unit].field, "source": source, "reason": reason} for unit, source, reason in tally["bad"]
    ]
    bad = sorted(refused + found, key=lambda record: (record["field"], record["source"], record["reason"]))
    path.write_text("".join(f"{json.dumps(record, sort_keys=True)}\n" for record in bad), encoding="utf-8")
    return bad


def write_repeated(tally: Mapping[str, Any], path: Path) -> list[RepeatedRecord]:
    """Writes the list of the records whose content recurs, a JSON object a line.

    Args:
      tally: From `tally_findings`.
      path: The file.

    Returns:
      The records that are listed.
    """
    rows = [RepeatedRecord(*row) for row in tally["repeated"]]
    path.write_text("".join(f"{json.dumps(row._asdict(), sort_keys=True)}\n" for row in rows), encoding="utf-8")
    return rows


def check_counts(
    plan: ReadPlan,
    data: DataConfig,
    task: TaskConfig,
    tally: Mapping[str, Any],
    summary: Mapping[str, Any],
    bad: Sequence[Mapping[str, str]],
    repeated: Sequence[RepeatedRecord],
) -> None:
    """Refuses data by what was counted, the likeliest cause first.

    Args:
      plan: What was read.
      data: The limits.
      task: What the records are.
      tally: From `tally_findings`.
      summary: From `summarize`.
      bad: From `write_bad_records`.
      repeated: From `write_repeated`.

    Raises:
      ConfigError: the data will not do; the message says why.
    """
    if data.num_records is not None:
        check_declared(plan, tally["read"], data.num_records)
    check_labels(summary, declared=plan.names is not None)
    check_bad_ratio(bad, summary, data.max_bad_ratio)
    if not keeps_repeated(data, task):
        check_conflicts(summary, repeated, task.kind, data.max_conflict_ratio)
    check_splits(summary)


def record_notes(data: DataConfig, summary: Mapping[str, Any]) -> list[str]:
    """Returns what was concluded and not declared, as far as only the records tell.

    Args:
      data: How they were read.
      summary: From `summarize`.
    """
    notes = []
    if data.format.is_table:
        notes += [f"data: {note}" for note in naming_notes(summary["labels"])]
    if turned := summary["num_with_exif_orientation"]:
        notes.append(f"{turned} images have an EXIF orientation; {_WHAT_EXIF_DOES[data.exif]}")
    return notes
