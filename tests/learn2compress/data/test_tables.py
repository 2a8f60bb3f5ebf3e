"""Text in TSV and CSV files, with labels and without."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.locations import Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, SourceError, Split
from learn2compress.data.table_layout import TableSettings
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
    (tmp_path / "b.csv").write_text('\ufefftext,id,label\n"a, ""b""\nc",1,x\nd,2,y\ne,3\n"shut"x,4,y\n', "utf-8")
    found = read(planned(tmp_path, DataFormat.CSV))
    assert found[:2] == [RawRecord("b.csv#2", "x", 'a, "b"\nc'), RawRecord("b.csv#4", "y", "d")]
    assert found[2].reason == "found 2 columns, accepted are 3"
    assert found[3].reason.startswith("found no CSV row in lines 6 to 6")
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


def rows_with(changes: dict[int, str]) -> str:
    """Returns a CSV of 1,000 lines, with some of them (counted from 1) replaced."""
    return "".join(
        changes.get(line, f"{'a' if line % 2 else 'b'},text number {line}") + "\n" for line in range(1, 1001)
    )


@pytest.mark.parametrize("filler", ["", "x" * 200])
def test_a_quote_that_nothing_closes_stops_the_reading(tmp_path: Path, filler: str) -> None:
    changes = dict.fromkeys(range(502, 1001), f"a,{filler}") if filler else {}
    (tmp_path / "a.csv").write_text(rows_with(changes | {501: 'a,"hello there'}))
    with pytest.raises(
        SourceError, match=r"a\.csv: found a quote in the row that begins in line 501 and is not closed"
    ):
        read(planned(tmp_path / "a.csv", DataFormat.CSV))


@pytest.mark.parametrize(
    ("changes", "bad_lines", "reason"),
    [
        ({501: 'a,"hello there', 801: 'b,monitor of 5"'}, range(501, 802), "one CSV row in lines 501 to 801"),
        ({501: 'a,"hello there', 511: 'b,monitor of 5"'}, range(501, 512), "look like rows in lines 501 to 511"),
        ({501: 'a,"hello there', 502: 'b,monitor of 5"'}, range(501, 503), "look like rows in lines 501 to 502"),
        ({501: 'a,"hello there', 511: 'b,"quoted"'}, range(501, 512), "no CSV row in lines 501 to 511"),
        ({501: 'a,"hello there', 511: 'b,5",more'}, range(501, 512), "3 columns in lines 501 to 511"),
    ],
)
def test_every_row_that_a_stray_quote_takes_in_is_counted(
    tmp_path: Path, changes: dict[int, str], bad_lines: range, reason: str
) -> None:
    (tmp_path / "a.csv").write_text(rows_with(changes))
    found = read(planned(tmp_path / "a.csv", DataFormat.CSV))
    bad = [record for record in found if isinstance(record, BadRecord)]
    assert [record.source for record in bad] == [f"a.csv#{line}" for line in bad_lines]
    assert all(reason in record.reason for record in bad)
    assert len(found) == 1000


def test_a_stray_quote_is_found_where_the_text_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,label\none,a\ntwo,b\n"three,a\nfour,b\n5",b\n"legal,\nsix",a\n')
    found = read(planned(tmp_path / "a.csv", DataFormat.CSV))
    assert [record.source for record in found if isinstance(record, BadRecord)] == ["a.csv#4", "a.csv#5", "a.csv#6"]
    assert found[-1] == RawRecord("a.csv#7", "a", "legal,\nsix")


@pytest.mark.parametrize("columns", ["label,text", "text,label"])
def test_texts_of_several_lines_are_read(tmp_path: Path, columns: str) -> None:
    texts = ["Hello,\nit works, at last", 'one\n\n"two", three\nno\n', "a line\n" * 99, "so\r\nit, is"]
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(("no", text) if columns == "label,text" else (text, "no") for text in texts)
    found = read(planned(tmp_path / "a.csv", DataFormat.CSV))
    assert [record.payload for record in found if isinstance(record, RawRecord)] == [text.strip() for text in texts]


def test_carriage_returns_alone_hide_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"a\tone\r\nb\ttwo\rthree\rfour\r\n")
    (tmp_path / "a.csv").write_bytes(b"a,one\r\nb,two\ra,three\rb,four\r\n")
    for table_format in (DataFormat.TSV, DataFormat.CSV):
        found = read(planned(tmp_path / f"a.{table_format.value}", table_format))
        assert [type(record) for record in found] == [RawRecord, BadRecord, BadRecord, BadRecord]


def test_a_nul_byte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"a\tone\nb\tt\0wo\n")
    assert read(planned(tmp_path / "a.tsv"))[1] == BadRecord("a.tsv#2", "found a NUL byte, accepted is UTF-8 text")


def test_a_header_takes_in_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('label,text,"note\na,one,x\nb,two,5"\na,three,y\n')
    found = read(planned(tmp_path / "a.csv", DataFormat.CSV))
    assert [type(record) for record in found[:3]] == [BadRecord] * 3


def labelled(count: int = 30) -> list[tuple[str, str]]:
    """Returns examples of two classes, with texts of several words."""
    return [("ham" if n % 3 else "spam", f"a text, or {n}; so it is") for n in range(count)]


def test_a_header_by_other_names_is_no_class(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("review", "sentiment"), *((text, label) for label, text in labelled())])
    reading = planned(tmp_path / "a.csv", DataFormat.CSV)
    found = read(reading)
    assert [(r.label, r.payload) for r in found if isinstance(r, RawRecord)] == labelled()
    assert reading.notes == (
        "data.uri: a.csv: its first row is taken for a header: text is 'review', label is 'sentiment'",
    )


def test_columns_are_taken_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Body,Kind\n1,what is it,x\n2,and that,y\n")
    location = Location(str(tmp_path / "a.csv"), "data.uri")
    settings = TableSettings(label_column="kind", text_column="body")
    found = read(plan_table(location, DataFormat.CSV, None, settings=settings))
    assert found == [RawRecord("a.csv#2", "x", "what is it"), RawRecord("a.csv#3", "y", "and that")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_are_read_as_they_are_saved(tmp_path: Path, encoding: str, delimiter: str) -> None:
    with (tmp_path / "a.csv").open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows([("label", "text"), *labelled()])
    reading = planned(tmp_path / "a.csv", DataFormat.CSV)
    assert [(r.label, r.payload) for r in read(reading) if isinstance(r, RawRecord)] == labelled()
    assert any("separated by" in note for note in reading.notes) is (delimiter != ",")


def test_gzipped_tables_are_read_and_copies_are_not_read_twice(tmp_path: Path) -> None:
    content = "".join(f"{label}\t{text}\n" for label, text in labelled()).encode()
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.tsv.bak").write_bytes(content)
    reading = planned(tmp_path)
    assert len(read(reading)) == 30
    assert reading.notes == ("data.uri: a.tsv.bak: left out, as its name does not end in .tsv",)
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(SourceError, match=r"found a\.tsv and a\.tsv\.gz, accepted is one of the two"):
        planned(tmp_path)


def test_labels_such_as_1_0_are_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"what is {n},{n % 2}.0\n" for n in range(20)) + "it,\n")
    reading = planned(tmp_path / "a.csv", DataFormat.CSV)
    assert {record.label for record in read(reading) if isinstance(record, RawRecord)} == {"0", "1", ""}
    assert "is read as" in reading.notes[0]


def test_a_header_between_the_rows_is_no_example(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("label\ttext\na\tone\nlabel\ttext\nb\ttwo\n")
    found = read(planned(tmp_path / "a.tsv"))
    assert [type(record) for record in found] == [RawRecord, BadRecord, RawRecord]


def test_some_files_with_a_header_and_some_without_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("text\tlabel\none thing\tx\n")
    (tmp_path / "b.tsv").write_text("two things\ty\n")
    with pytest.raises(SourceError, match=r"a\.tsv begins with a header and b\.tsv with an example"):
        planned(tmp_path)
    (tmp_path / "b.tsv").write_text("")
    reading = planned(tmp_path)
    assert read(reading) == [RawRecord("a.tsv#2", "x", "one thing")]
    assert reading.notes == ("data.uri: b.tsv: it is empty",)


def test_a_table_that_tells_no_columns_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a,one\nb,two\n")
    with pytest.raises(SourceError, match=r"^data\.uri: .*a\.tsv: found one column .* set data\.format to csv"):
        planned(tmp_path)
