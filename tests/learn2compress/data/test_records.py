"""What readers pass on: units that say how much they hold, labels that can name a class, names in index order."""

from __future__ import annotations

import pytest

from learn2compress.config import DataFormat
from learn2compress.data.records import MAX_LABEL_CHARACTERS, Unit, class_names, label_problem, source_name


def test_class_names_in_index_order() -> None:
    assert class_names({0, 3}) == ("0", "1", "2", "3")
    assert class_names({"10", "9", "1"}) == ("1", "9", "10")
    assert class_names({"b", "10", "a"}) == ("10", "a", "b")


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("cat", None),
        ("日本語", None),
        ("x" * MAX_LABEL_CHARACTERS, None),
        ("", "found no label"),
        ("x" * (MAX_LABEL_CHARACTERS + 1), "found a label of 257 characters"),
        ("two\nlines", r"found label 'two\nlines'"),
    ],
)
def test_a_label_is_one_printable_line(label: str, problem: str | None) -> None:
    found = label_problem(label)
    assert (found and found.split(",")[0]) == problem


@pytest.mark.parametrize(
    ("unit", "num_records", "text"),
    [
        (Unit(DataFormat.NPZ, "data.uri", "a.npz", ("x", "y"), 3, 8), 5, "data.uri: records 3 to 7 of a.npz"),
        (
            Unit(DataFormat.IMAGE_FOLDER, "data.uri", "in", ("a/0.png", "a/1.png")),
            2,
            "data.uri: a/0.png to a/1.png in in",
        ),
        (Unit(DataFormat.TSV, "data.uri", "in/*", ("in/b.tsv",)), None, "data.uri: in/b.tsv"),
    ],
)
def test_a_unit_says_what_it_holds(unit: Unit, num_records: int | None, text: str) -> None:
    assert unit.num_records == num_records
    assert str(unit) == text


def test_a_path_that_is_no_text_has_a_name_that_can_be_written() -> None:
    name = source_name(b"caf\xff.png".decode("utf-8", "surrogateescape"))
    assert name == r"caf\udcff.png"
    assert name.encode() == rb"caf\udcff.png"
