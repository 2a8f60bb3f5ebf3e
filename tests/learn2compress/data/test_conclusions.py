from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config import DataConfig, DataFormat, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.conclusions import check_counts, record_notes, write_bad_records, write_repeated
from learn2compress.data.records import BadRecord, ReadPlan, Split, Unit
from learn2compress.data.tally import BadRecordFound, ShardWritten, UnitRead, summarize, tally_findings

PLAN = ReadPlan((Unit(DataFormat.NPZ, "data.uri", "a.npz", stop=6),), refused=(BadRecord("b.txt", "found no image"),))


def tally(num_bad: int = 1) -> dict[str, Any]:
    row = ("train", "a#1", "cat", False, True, "it recurs")
    shards = [
        ShardWritten(split.value, 0, ("cat", "dog"), [("a", 0), ("b", 1)], 0, 0, 0, 0, 0, [row], {0: 2})  # type: ignore[list-item]
        for split in (Split.TRAIN, Split.HELD_OUT)
    ]
    return tally_findings(
        [*shards, UnitRead(0, 6), *(BadRecordFound(0, f"a#{n}", "it is bad") for n in range(num_bad))]
    )


def test_what_was_refused_is_listed(tmp_path: Path) -> None:
    bad = write_bad_records(PLAN, tally(), tmp_path / "bad.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert lines == bad
    assert [record["source"] for record in bad] == ["a#0", "b.txt"]


def test_what_recurs_is_listed(tmp_path: Path) -> None:
    rows = write_repeated(tally(), tmp_path / "repeated.jsonl")
    assert [row.source for row in rows] == ["a#1", "a#1"]
    assert len((tmp_path / "repeated.jsonl").read_text().splitlines()) == 2


def test_too_many_bad_records_are_refused(tmp_path: Path) -> None:
    found = tally(num_bad=2)
    bad = write_bad_records(PLAN, found, tmp_path / "bad.jsonl")
    summary = summarize(found, len(bad))
    with pytest.raises(ConfigError, match=r"data\.max_bad_ratio: found 3 bad records of 7"):
        check_counts(PLAN, DataConfig(), TaskConfig(), found, summary, bad, [])
    check_counts(PLAN, DataConfig(max_bad_ratio=0.5), TaskConfig(), found, summary, bad, [])


def test_another_number_of_records_than_declared_is_refused(tmp_path: Path) -> None:
    found = tally()
    summary = summarize(found, 0)
    with pytest.raises(ConfigError, match=r"data\.num_records: found 7"):
        check_counts(PLAN, DataConfig(num_records=9), TaskConfig(), found, summary, [], [])


def test_photos_that_are_turned_are_told() -> None:
    summary = summarize(tally(), 0) | {"num_with_exif_orientation": 3}
    assert "3 images have an EXIF orientation; they are turned upright" in record_notes(DataConfig(), summary)[0]
    assert record_notes(DataConfig(), summarize(tally(), 0)) == []
