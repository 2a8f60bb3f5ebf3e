"""What readers pass on: units that say how much they hold, labels that can name a class, names in index order."""

from __future__ import annotations

import pytest

from learn2compress.config import DataFormat
from learn2compress.data.records import (
    MAX_LABEL_CHARACTERS,
    Split,
    Unit,
    gathered_notes,
    label_problem,
    source_name,
    splits_of,
)


def test_what_is_noted_of_many_files_is_one_line() -> None:
    notes = [("a.csv", "it is empty"), ("b.csv", "a header"), ("c.csv", "it is empty"), ("d.csv", "it is empty")]
    assert gathered_notes("data.uri", notes) == (
        "data.uri: a.csv (and 2 more files): it is empty",
        "data.uri: b.csv: a header",
    )


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("cat", None),
        ("日本語", None),
        ("x" * MAX_LABEL_CHARACTERS, None),
        ("", "found no label"),
        ("x" * (MAX_LABEL_CHARACTERS + 1), "found a label of 257 characters"),
        ("two\nlines", r"found label 'two\nlines'"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),  # Persian
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", None),  # Sinhala
        ("\U0001f469\u200d\U0001f680", None),  # an emoji
        ("\u0d28\u0d4d\u200d", None),  # Malayalam
        ("cat\u200d", r"found label 'cat\u200d'"),
        ("\u200dcat", r"found label '\u200dcat'"),
        ("\u0d4d\u200d\u200d", r"found label '\u0d4d\u200d\u200d'"),
        ("gpj.\u202egnp", r"found label 'gpj.\u202egnp'"),
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


def test_a_name_is_one_line_that_shows_all_that_is_in_it() -> None:
    assert source_name("a/\x1b[31m\n.png") == r"a/\x1b[31m\n.png"
    assert source_name("gpj.\u202egnp") == r"gpj.\u202egnp"
    assert source_name("\u0dc1\u0dca\u200d\u0dbb\u0dd3/\u3000 1.png") == "\u0dc1\u0dca\u200d\u0dbb\u0dd3/\u3000 1.png"


def test_there_is_a_split_to_choose_by_where_a_source_is_named_for_it() -> None:
    units = [Unit(DataFormat.NPZ, "data.uri", "a.npz"), Unit(DataFormat.NPZ, "data.uri", "b", split=Split.VALIDATION)]
    assert splits_of(units) == (Split.TRAIN, Split.VALIDATION, Split.HELD_OUT)
    assert splits_of(units[:1]) == (Split.TRAIN, Split.HELD_OUT)


def test_nothing_makes_the_held_out_split_give_way() -> None:
    assert Split.HELD_OUT.gives_way_to == ()
    assert Split.VALIDATION.gives_way_to == (Split.HELD_OUT,)
    assert set(Split.TRAIN.gives_way_to) == {Split.HELD_OUT, Split.VALIDATION}
