"""What the workers of `Ingest` found, each finding a value: counted, held together, and summed up for the report."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from learn2compress.data.assignment import RepeatedRecord
from learn2compress.data.completeness import check_count, check_parts, check_units
from learn2compress.data.examples import UNLABELLED
from learn2compress.data.records import Split, Unit, splits_of

# In the artifact: who has more of them learns nothing from the rest.
MAX_LISTED_REPEATED = 1000


class FailureFound(NamedTuple):
    """A source that can't be read on, or a shard that can't be written: one line."""

    message: str


class BadRecordFound(NamedTuple):
    """A record that was refused: the index of its unit, where it is, and why."""

    unit: int
    source: str
    reason: str


class UnitRead(NamedTuple):
    """A unit that was read to its end: its index, its records, and those that an EXIF orientation turns or mirrors."""

    unit: int
    num_records: int
    num_with_orientation: int = 0


class ShardWritten(NamedTuple):
    """A shard that was written.

    Attributes:
      split: Its split.
      shard: Its number.
      names: Class names in index order.
      content: Content hash and class index of each record in it.
      num_labelled_left_out: Labelled records that stayed out since a split that theirs gives way to has their content.
      num_unlabelled_left_out: Unlabelled ones, likewise.
      num_conflicting: Labelled records whose content has another label, too, left out or not.
      num_conflicting_stored: Those that were stored.
      num_conflicting_left_out: Those that stayed out of training for that alone.
      repeated: Records left out, or with another label, too: the first by source, no more than are listed.
      num_by_unit: Records that arrived, also those left out, by index of the unit.
    """

    split: str
    shard: int
    names: tuple[str, ...]
    content: list[tuple[str, int]]
    num_labelled_left_out: int
    num_unlabelled_left_out: int
    num_conflicting: int
    num_conflicting_stored: int
    num_conflicting_left_out: int
    repeated: list[RepeatedRecord]
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
      order; `num_with_orientation`, images whose EXIF orientation says that their pixels
      are turned or mirrored; `num_labelled_left_out`, `num_unlabelled_left_out` and `num_conflicting_left_out` of
      training, `num_validation_left_out`;
      `repeated`, the first of the records that were left out or have another label, too;
      `num_shared`, contents that are stored in a split and in one that it gives way to, `num_unlabelled_shared`, those
      of them that are unlabelled in the training split, and `num_held_out_trained_on`,
      held-out records whose content is in the training split; for each split that there is its class
      counts by index, the numbers of unlabelled records, of those whose content an
      earlier one has (`num_duplicates`), of labelled ones with another label, too
      (`num_conflicting`, and `num_conflicting_stored` of them), of stored contents with
      several labels, and the SHA-256 over the sorted lines "content hash, space, class
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
    written = {shard.split for shard in shards}
    present = [split for split in Split if split is not Split.VALIDATION or split in written]
    content = {split: [row for shard in shards if shard.split == split for row in shard.content] for split in present}
    distinct = {split: {digest for digest, _ in rows} for split, rows in content.items()}
    unlabelled = {digest for digest, label in content[Split.TRAIN] if label == UNLABELLED}
    not_to_train = set().union(*(distinct[split] for split in Split.TRAIN.gives_way_to if split in distinct))
    num_chosen_and_held_out = len(distinct.get(Split.VALIDATION, set()) & distinct[Split.HELD_OUT])
    return {
        "failures": sorted(failures),
        "bad": sorted(bad),
        "read": sorted((unit.unit, unit.num_records) for unit in read),
        "num_with_orientation": sum(unit.num_with_orientation for unit in read),
        "written": sorted(
            (shard.split, shard.shard, sum(shard.num_by_unit.values()), sorted(shard.num_by_unit.items()))
            for shard in shards
        ),
        "names": names,
        "num_labelled_left_out": sum(s.num_labelled_left_out for s in shards if s.split == Split.TRAIN),
        "num_unlabelled_left_out": sum(shard.num_unlabelled_left_out for shard in shards),
        "num_validation_left_out": sum(s.num_labelled_left_out for s in shards if s.split == Split.VALIDATION),
        "num_conflicting_left_out": sum(shard.num_conflicting_left_out for shard in shards),
        "repeated": sorted(row for shard in shards for row in shard.repeated)[:MAX_LISTED_REPEATED],
        "num_shared": len(distinct[Split.TRAIN] & not_to_train) + num_chosen_and_held_out,
        "num_unlabelled_shared": len(unlabelled & not_to_train),
        "num_held_out_trained_on": sum(digest in distinct[Split.TRAIN] for digest, _ in content[Split.HELD_OUT]),
        "splits": {
            split: {
                "class_counts": _class_counts(records, len(names)),
                "num_unlabelled": sum(label == UNLABELLED for _, label in records),
                "num_duplicates": len(records) - len(distinct[split]),
                "num_conflicting": sum(shard.num_conflicting for shard in shards if shard.split == split),
                "num_conflicting_stored": sum(s.num_conflicting_stored for s in shards if s.split == split),
                "num_contents_with_several_labels": _num_with_several_labels(records),
                "content_sha256": _content_sha256(records, names),
            }
            for split, records in content.items()
        },
    }


def check_complete(
    units: Sequence[Unit], keep_repeated: bool, num_shards: int, tally: Mapping[str, Any], counted: Mapping[Split, int]
) -> None:
    """Checks that every record that was read was written, left out or refused, and is in the statistics.

    Args:
      units: The plan's.
      keep_repeated: Whether labelled training records stay whose content recurs.
      num_shards: Shards of each split.
      tally: From `tally_findings`, without failures.
      counted: Examples of each split by its statistics.

    Raises:
      RecordsLostError: some were lost on their way, or came twice.
    """
    splits = splits_of(units)
    expected = [f"{split}/{index}" for split in splits for index in range(num_shards)]
    check_parts("shards written", expected, (f"{split}/{index}" for split, index, *_ in tally["written"]))
    stored: Counter[int] = Counter()
    arrived: Counter[str] = Counter()
    for split, _, num_arrived, num_by_unit in tally["written"]:
        arrived[split] += num_arrived
        stored.update(dict(num_by_unit))
    refused = Counter(unit for unit, *_ in tally["bad"])
    check_units(units, [(unit, num_records) for unit, num_records in tally["read"]], refused, stored)
    shared = tally["num_unlabelled_shared" if keep_repeated else "num_shared"]
    check_count("records left out of a split that are in it", 0, shared)
    if not keep_repeated:
        several = tally["splits"][Split.TRAIN]["num_contents_with_several_labels"]
        check_count("contents with several labels that are in training", 0, several)
    for split in splits:
        check_count(f"statistics of the {split} split", arrived[split], counted[split])


def summarize(tally: Mapping[str, Any], num_bad: int) -> dict[str, Any]:
    """Returns the content of `ingest.json`.

    Args:
      tally: From `tally_findings`.
      num_bad: Records refused.
    """
    splits = tally["splits"]
    present = [split for split in Split if split in splits]
    labels = tally["names"]
    hashes = {split: splits[split]["content_sha256"] for split in present}
    combined = json.dumps({"labels": list(labels), **hashes}, sort_keys=True)
    held_out_counts = splits[Split.HELD_OUT]["class_counts"]
    chosen_by = {}
    if Split.VALIDATION in splits:
        counts = splits[Split.VALIDATION]["class_counts"]
        chosen_by = {
            "num_validation": sum(counts),
            "num_validation_left_out": tally["num_validation_left_out"],
            "labels_not_in_validation": [name for name, count in zip(labels, counts, strict=True) if not count],
        }
    return {
        "labels": list(labels),
        "num_train": sum(splits[Split.TRAIN]["class_counts"]) + splits[Split.TRAIN]["num_unlabelled"],
        "num_held_out": sum(held_out_counts),
        "num_unlabelled": splits[Split.TRAIN]["num_unlabelled"],
        "num_labelled_left_out": tally["num_labelled_left_out"],
        "num_unlabelled_left_out": tally["num_unlabelled_left_out"],
        "num_bad": num_bad,
        "num_with_exif_orientation": tally["num_with_orientation"],
        "num_duplicates": {split.value: splits[split]["num_duplicates"] for split in present},
        "num_conflicting": {split.value: splits[split]["num_conflicting"] for split in present},
        "num_conflicting_stored": {split.value: splits[split]["num_conflicting_stored"] for split in present},
        "num_conflicting_left_out": tally["num_conflicting_left_out"],
        "num_held_out_trained_on": tally["num_held_out_trained_on"],
        "class_counts": {split.value: splits[split]["class_counts"] for split in present},
        "labels_not_held_out": [name for name, count in zip(labels, held_out_counts, strict=True) if not count],
        "split_content_sha256": {split.value: hashes[split] for split in present},
        "content_sha256": hashlib.sha256(combined.encode()).hexdigest(),
        **chosen_by,
    }


def _class_counts(records: list[tuple[str, int]], num_classes: int) -> list[int]:
    counts = Counter(label for _, label in records)
    return [counts[label] for label in range(num_classes)]


def _num_with_several_labels(records: list[tuple[str, int]]) -> int:
    labels: dict[str, int] = {}
    several = set()
    for digest, label in records:
        if label != UNLABELLED and labels.setdefault(digest, label) != label:
            several.add(digest)
    return len(several)


def _content_sha256(records: list[tuple[str, int]], names: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for content, label in sorted(records):
        digest.update(f"{content} {'' if label == UNLABELLED else names[label]}\n".encode())
    return digest.hexdigest()
