"""Counts that agree pass; every way in which they can disagree is one clear line."""

from __future__ import annotations

import pytest

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import (
    RecordsLostError,
    check_count,
    check_declared,
    check_parts,
    check_units,
)
from learn2compress.data.records import BadRecord, ReadPlan, Unit

UNITS = (
    Unit(DataFormat.NPZ, "data.uri", "a.npz", ("x", "y"), 0, 100),
    Unit(DataFormat.NPZ, "data.uri", "a.npz", ("x", "y"), 100, 150),
    Unit(DataFormat.IMAGE_FOLDER, "data.held_out_uri", "/images", ("cat/1.png", "cat/2.png", "dog/3.png")),
    Unit(DataFormat.TSV, "data.unlabelled_uri", "/texts", ("/texts/a.tsv",)),
)
READ = [(0, 100), (1, 50), (2, 3), (3, 7)]
REFUSED = {1: 4, 3: 7}
STORED = {0: 100, 1: 46, 2: 3}


def test_what_adds_up_passes() -> None:
    check_units(UNITS, READ, REFUSED, STORED)
    check_units(UNITS, reversed(READ), REFUSED, STORED)
    check_parts("shards", ["a", "b"], ["b", "a"])
    check_count("rows", 3, 3)


@pytest.mark.parametrize(
    ("read", "refused", "stored", "message"),
    [
        (READ, REFUSED, STORED | {0: 99}, "data.uri: records 0 to 99 of a.npz: read 100 records, of which 99 arrived"),
        (READ, REFUSED | {1: 3}, STORED, "data.uri: records 100 to 149 of a.npz: read 50 records, of which 46 .* 3 we"),
        (READ, REFUSED, STORED | {2: 6}, "data.held_out_uri: cat/1.png to dog/3.png in /images: read 3 .* which 6"),
        (READ, REFUSED, {0: 100, 1: 46}, "data.held_out_uri: .* which 0 arrived"),
        (READ, {1: 4, 3: 6}, STORED, "data.unlabelled_uri: /texts/a.tsv: read 7 records"),
        (READ[:-1], REFUSED, STORED, "units of the data read: 4 were to be reported once each, and 3 was reported 0"),
        ([*READ, (0, 100)], REFUSED, STORED, "and 0 was reported 2 times"),
        ([(0, 90), *READ[1:]], REFUSED, STORED | {0: 90}, "of a.npz: found 100 records and read 90"),
    ],
)
def test_what_is_lost_or_doubled_is_one_line(
    read: list[tuple[int, int]], refused: dict[int, int], stored: dict[int, int], message: str
) -> None:
    with pytest.raises(RecordsLostError, match=message) as error:
        check_units(UNITS, read, refused, stored)
    assert "nothing of it was kept; run it again" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("found", [["a"], ["a", "b", "b"], ["a", "b", "c"]])
def test_each_part_is_reported_once(found: list[str]) -> None:
    with pytest.raises(RecordsLostError, match=r"^shards: 2 were to be reported once each, and [bc] was reported"):
        check_parts("shards", ["a", "b"], found)


def test_counts_that_differ() -> None:
    with pytest.raises(RecordsLostError, match=r"^rows: there are 3 records, and 2 arrived: nothing of it was kept"):
        check_count("rows", 3, 2)


@pytest.mark.parametrize(
    ("declared", "message"),
    [(8, "a file was cut or is missing"), (6, "there are new records, or a file is there twice")],
)
def test_a_declared_number_of_records_is_held(declared: int, message: str) -> None:
    units = [
        Unit(DataFormat.TSV, "data.uri", "a.tsv"),
        Unit(DataFormat.TSV, "data.unlabelled_uri", "b.tsv", labelled=False),
    ]
    refused = tuple(BadRecord("a", "why", field) for field in ("data.uri", "data.uri", "data.unlabelled_uri"))
    plan = ReadPlan(tuple(units), refused=refused)
    check_declared(plan, [(0, 5), (1, 100)], 7)
    with pytest.raises(
        ConfigError, match=rf"^data.num_records: found 7 labelled records, .* the {declared} .*: {message}"
    ):
        check_declared(plan, [(0, 5), (1, 100)], declared)
