"""Text in TSV and CSV files, with labels and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, Split
from learn2compress.data.tables import plan_table, read_table


def planned(path: Path, table_format: DataFormat = DataFormat.TSV) -> ReadPlan:
    return plan_table(Location(str(path), "data.uri"), table_format, None)


def read(reading: ReadPlan) -> list[RawRecord | BadRecord]:
    return [record for unit in reading.units for record in read_table(unit)]


def read_unlabelled(path: Path, table_format: DataFormat = DataFormat.TSV) -> list[RawRecord | BadRecord]:
    location = Location(str(path), "data.unlabelled_uri")
    reading = plan_table(location, table_format, Split.TRAIN, labelled=False)
    assert {(unit.field, unit.split) for unit in reading.units} == {("data.unlabelled_uri", Split.TRAIN)}
    return read(reading)


def test_tsv_and_csv(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes('yes\tsay "no\nno\tnever\r\n\nonly one\nyes\tcaf\xff\n'.encode("latin-1"))
    found = read(planned(tmp_path / "a.tsv"))
    assert found[:2] == [RawRecord("a.tsv#1", "yes", 'say "no'), RawRecord("a.tsv#2", "no", "never")]
    assert [record.reason.split(",")[0] for record in found[2:]] == [
        "found 1 columns",
        "found bytes that are not UTF-8",
    ]
    (tmp_path / "b.csv").write_text('\ufefftext,id,label\n"a, ""b""\nc",1,x\nd,2,y\ne,3\n"open', "utf-8")
    found = read(planned(tmp_path, DataFormat.CSV))
    assert found[:2] == [RawRecord("b.csv#2", "x", 'a, "b"\nc'), RawRecord("b.csv#4", "y", "d")]
    assert found[2].reason == "found 2 columns, accepted are 3"
    assert "unexpected end of data" in found[3].reason
    (tmp_path / "void").mkdir()
    with pytest.raises(ConfigError, match=r"found no \.tsv file"):
        planned(tmp_path / "void")


def test_a_glob_names_a_record_by_its_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "part.tsv").write_text(f"{name}\thello\n")
    records = read(planned(tmp_path / "in" / "*" / "part.tsv"))
    assert [record.source for record in records] == ["one/part.tsv#1", "two/part.tsv#1"]


def test_a_line_without_end_does_not_fill_memory(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"x" * (2**20 + 10))
    with pytest.raises(ConfigError, match="found a line longer than"):
        read(planned(tmp_path / "a.tsv"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("just this\nand that\n", ["just this", "and that"]),
        ("a\tjust this\nb\tand that\n", ["just this", "and that"]),
        ("id\ttext\n1\tjust this\n2\tand that\n", ["just this", "and that"]),
        ("Text\njust this\ntwo\tcolumns\n", ["just this", "found 2 columns, accepted are 1"]),
        ("1\t2\t3\njust this\n", ["found 3 columns, accepted are 1", "just this"]),
    ],
)
def test_without_labels_tables_give_their_text(tmp_path: Path, content: str, expected: list[str]) -> None:
    (tmp_path / "pool.tsv").write_text(content)
    records = read_unlabelled(tmp_path / "pool.tsv")
    assert [record.reason if isinstance(record, BadRecord) else record.payload for record in records] == expected
    assert all(record.label is None for record in records if isinstance(record, RawRecord))


def test_without_labels_csv_gives_its_text(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text('text,source\n"one, two",web\n')
    assert read_unlabelled(tmp_path / "pool.csv", DataFormat.CSV) == [RawRecord("pool.csv#2", None, "one, two")]
