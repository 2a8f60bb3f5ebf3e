from __future__ import annotations

import pytest

from learn2compress.config import DataFormat
from learn2compress.data.completeness import RecordsLostError
from learn2compress.data.examples import UNLABELLED
from learn2compress.data.records import Split, Unit
from learn2compress.data.tally import (
    BadRecordFound,
    FailureFound,
    Finding,
    ShardWritten,
    UnitRead,
    check_complete,
    summarize,
    tally_findings,
)

NAMES = ("cat", "dog")
UNITS = [Unit(DataFormat.TSV, "data.uri", "a.tsv")]


def shard(split: Split, content: list[tuple[str, int]], num_arrived: int | None = None) -> ShardWritten:
    arrived = len(content) if num_arrived is None else num_arrived
    return ShardWritten(split.value, 0, NAMES, content, 0, 0, 0, 0, 0, [], {0: arrived})


def findings() -> list[Finding]:
    return [
        shard(Split.TRAIN, [("a", 0), ("b", 1), ("c", UNLABELLED)]),
        shard(Split.HELD_OUT, [("d", 1), ("d", 1)]),
        BadRecordFound(0, "a.tsv#7", "found no text"),
        UnitRead(0, 6),
    ]


def test_counts_are_those_of_all_workers_in_any_order() -> None:
    tally = tally_findings(findings())
    assert tally == tally_findings(reversed(findings()))
    summary = summarize(tally, num_bad=1)
    assert summary["labels"] == ["cat", "dog"]
    assert (summary["num_train"], summary["num_unlabelled"], summary["num_held_out"]) == (3, 1, 2)
    assert summary["class_counts"] == {"train": [1, 1], "held_out": [0, 2]}
    assert summary["labels_not_held_out"] == ["cat"]
    assert summary["num_duplicates"] == {"train": 0, "held_out": 1}


def test_the_digest_is_of_content_and_labels() -> None:
    digest = summarize(tally_findings(findings()), 1)["content_sha256"]
    others = [shard(Split.TRAIN, [("a", 1), ("b", 1), ("c", UNLABELLED)]), *findings()[1:]]
    assert summarize(tally_findings(others), 1)["content_sha256"] != digest


def test_failures_are_kept() -> None:
    assert tally_findings([FailureFound("it is damaged")])["failures"] == ["it is damaged"]


def test_whole_data_are_complete() -> None:
    check_complete(UNITS, False, 1, tally_findings(findings()), {Split.TRAIN: 3, Split.HELD_OUT: 2})


@pytest.mark.parametrize(
    ("changed", "counted"),
    [
        ([shard(Split.TRAIN, [("a", 0)]), *findings()[1:]], {Split.TRAIN: 1, Split.HELD_OUT: 2}),
        (findings()[:2] + findings()[3:], {Split.TRAIN: 3, Split.HELD_OUT: 2}),
        (findings(), {Split.TRAIN: 2, Split.HELD_OUT: 2}),
        ([findings()[0], *findings()], {Split.TRAIN: 3, Split.HELD_OUT: 2}),
    ],
    ids=["a record lost on its way", "a record neither stored nor refused", "another count", "a shard twice"],
)
def test_what_was_lost_or_came_twice_is_found(changed: list[Finding], counted: dict[Split, int]) -> None:
    with pytest.raises(RecordsLostError):
        check_complete(UNITS, False, 1, tally_findings(changed), counted)
