"""What the workers of `Ingest` found, each finding a value: counted, held together, and summed up for the report."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from learn2compress.config import TaskKind
from learn2compress.data.completeness import check_count, check_parts, check_units
from learn2compress.data.examples import UNLABELLED
from learn2compress.data.records import Split, Unit


class FailureFound(NamedTuple):
    """A source that can't be read on, or a shard that can't be written: one line."""

    message: str


class BadRecordFound(NamedTuple):
    """A record that was refused: the index of its unit, where it is, and why."""

    unit: int
    source: str
    reason: str


class UnitRead(NamedTuple):
    """A unit that was read to its end: its index, and the records that its reader yielded."""

    unit: int
    num_records: int


class ShardWritten(NamedTuple):
    """A shard that was written.

    Attributes:
      split: Its split.
      shard: Its number.
      names: Class names in index order.
      content: Content hash and class index of each record in it.
      num_labelled_left_out: Labelled records that stayed out since their content is held out.
      num_unlabelled_left_out: Unlabelled ones, likewise.
      num_by_unit: Records that arrived, also those left out, by index of the unit.
    """

    split: str
    shard: int
    names: tuple[str, ...]
    content: list[tuple[str, int]]
    num_labelled_left_out: int
    num_unlabelled_left_out: int
    num_by_unit: dict[int, int]


Finding = FailureFound | BadRecordFound | UnitRead | ShardWritten


def tally_findings(findings: Iterable[Finding]) -> dict[str, Any]:
    """Counts what all workers found.

    Args:
      findings: In any order.

    Returns:
      What JSON can hold: `failures` and `bad` (index of the unit, source, reason), sorted;
      `read` (index of the unit, number of records) and `written` (split, number of the
      shard, of the records that arrived, and of those by unit), sorted; `names` in index
      order; `num_labelled_left_out` and `num_unlabelled_left_out`; `num_shared`, contents
      that are stored in both splits, and `num_unlabelled_shared`, those of them that are
      unlabelled in the training split; for each split its class
      counts by index, the numbers of unlabelled records and of those whose content an
      earlier one has, and the SHA-256 over the sorted lines "content hash, space, class
      name", without a name where there is no label.
    """
    failures: list[str] = []
    bad: list[BadRecordFound] = []
    read: list[UnitRead] = []
    shards: list[ShardWritten] = []
    for finding in findings:
        match finding:
            case FailureFound():
                failures.append(finding.message)
            case BadRecordFound():
                bad.append(finding)
            case UnitRead():
                read.append(finding)
            case ShardWritten():
                shards.append(finding)
    names = shards[0].names if shards else ()
    content = {split: [row for shard in shards if shard.split == split for row in shard.content] for split in Split}
    distinct = {split: {digest for digest, _ in rows} for split, rows in content.items()}
    unlabelled = {digest for digest, label in content[Split.TRAIN] if label == UNLABELLED}
    return {
        "failures": sorted(failures),
        "bad": sorted(bad),
        "read": sorted(read),
        "written": sorted(
            (shard.split, shard.shard, sum(shard.num_by_unit.values()), sorted(shard.num_by_unit.items()))
            for shard in shards
        ),
        "names": names,
        "num_labelled_left_out": sum(shard.num_labelled_left_out for shard in shards),
        "num_unlabelled_left_out": sum(shard.num_unlabelled_left_out for shard in shards),
        "num_shared": len(distinct[Split.TRAIN] & distinct[Split.HELD_OUT]),
        "num_unlabelled_shared": len(unlabelled & distinct[Split.HELD_OUT]),
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


def check_complete(
    units: Sequence[Unit], kind: TaskKind, num_shards: int, tally: Mapping[str, Any], counted: Mapping[Split, int]
) -> None:
    """Checks that every record that was read was written, left out or refused, and is in the statistics.

    Args:
      units: The plan's.
      kind: What the records are.
      num_shards: Shards of each split.
      tally: From `tally_findings`, without failures.
      counted: Examples of each split by its statistics.

    Raises:
      RecordsLostError: some were lost on their way, or came twice.
    """
    expected = [f"{split}/{index}" for split in Split for index in range(num_shards)]
    check_parts("shards written", expected, (f"{split}/{index}" for split, index, *_ in tally["written"]))
    stored: Counter[int] = Counter()
    arrived: Counter[str] = Counter()
    for split, _, num_arrived, num_by_unit in tally["written"]:
        arrived[split] += num_arrived
        stored.update(dict(num_by_unit))
    refused = Counter(unit for unit, *_ in tally["bad"])
    check_units(units, [(unit, num_records) for unit, num_records in tally["read"]], refused, stored)
    shared = tally["num_unlabelled_shared" if kind is TaskKind.TEXT else "num_shared"]
    check_count("records left out of training that are in it", 0, shared)
    for split in Split:
        check_count(f"statistics of the {split} split", arrived[split], counted[split])


def summarize(tally: Mapping[str, Any], num_bad: int) -> dict[str, Any]:
    """Returns the content of `ingest.json`.

    Args:
      tally: From `tally_findings`.
      num_bad: Records refused.
    """
    splits = tally["splits"]
    labels = tally["names"]
    hashes = {split: splits[split]["content_sha256"] for split in Split}
    combined = json.dumps({"labels": list(labels), **hashes}, sort_keys=True)
    held_out_counts = splits[Split.HELD_OUT]["class_counts"]
    return {
        "labels": list(labels),
        "num_train": sum(splits[Split.TRAIN]["class_counts"]) + splits[Split.TRAIN]["num_unlabelled"],
        "num_held_out": sum(held_out_counts),
        "num_unlabelled": splits[Split.TRAIN]["num_unlabelled"],
        "num_labelled_left_out": tally["num_labelled_left_out"],
        "num_unlabelled_left_out": tally["num_unlabelled_left_out"],
        "num_bad": num_bad,
        "num_duplicates": sum(splits[split]["num_duplicates"] for split in Split),
        "num_shared_by_splits": tally["num_shared"],
        "class_counts": {split.value: splits[split]["class_counts"] for split in Split},
        "labels_not_held_out": [name for name, count in zip(labels, held_out_counts, strict=True) if not count],
        "split_content_sha256": {split.value: hashes[split] for split in Split},
        "content_sha256": hashlib.sha256(combined.encode()).hexdigest(),
    }


def _class_counts(records: list[tuple[str, int]], num_classes: int) -> list[int]:
    counts = Counter(label for _, label in records)
    return [counts[label] for label in range(num_classes)]


def _content_sha256(records: list[tuple[str, int]], names: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for content, label in sorted(records):
        digest.update(f"{content} {'' if label == UNLABELLED else names[label]}\n".encode())
    return digest.hexdigest()
