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


def test_examples_to_choose_by_are_counted_where_there_are_some() -> None:
    units = [*UNITS, Unit(DataFormat.TSV, "data.validation_uri", "v.tsv", split=Split.VALIDATION)]
    left_out = ShardWritten("validation", 0, NAMES, [("e", 1), ("f", 1)], 1, 0, 0, 0, 0, [], {1: 3})
    counted = {Split.TRAIN: 3, Split.VALIDATION: 3, Split.HELD_OUT: 2}
    tally = tally_findings([*findings(), left_out, UnitRead(1, 3)])
    check_complete(units, False, 1, tally, counted)
    summary = summarize(tally, 1)
    assert (summary["num_validation"], summary["num_validation_left_out"]) == (2, 1)
    assert summary["num_labelled_left_out"] == 0
    assert summary["labels_not_in_validation"] == ["cat"]
    without = summarize(tally_findings(findings()), 1)
    assert without["content_sha256"] != summary["content_sha256"]
    assert without["split_content_sha256"] == {
        split: digest for split, digest in summary["split_content_sha256"].items() if split != "validation"
    }
    assert "num_validation" not in without
    with pytest.raises(RecordsLostError, match="shards written: 3 were to be reported once each, and validation/0"):
        check_complete(units, False, 1, tally_findings(findings()), counted)


@pytest.mark.parametrize("digest", ["a", "d"])
def test_content_to_choose_by_that_is_elsewhere_too_is_found(digest: str) -> None:
    tally = tally_findings([*findings(), shard(Split.VALIDATION, [(digest, 0)])])
    assert tally["num_shared"] == 1
    units = [Unit(DataFormat.TSV, "data.validation_uri", "v.tsv", split=Split.VALIDATION)]
    whole = tally | {"read": [(0, 7)]}
    with pytest.raises(RecordsLostError, match="records left out of a split that are in it"):
        check_complete(units, False, 1, whole, {Split.TRAIN: 3, Split.VALIDATION: 1, Split.HELD_OUT: 2})
