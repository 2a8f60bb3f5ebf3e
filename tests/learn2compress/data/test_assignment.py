"""Where a record goes follows from the record, its unit and the configuration alone."""

from __future__ import annotations

import pytest

from learn2compress.config import DataConfig, DataFormat, TaskKind
from learn2compress.data.assignment import arrange, assigned_split, can_share_content, class_index, settled_names
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import SourceError, Split, Unit

UNIT = Unit(DataFormat.NPZ, "data.uri", "a.npz", ("x", "y"), 0, 4)
DATA = DataConfig(held_out_ratio=0.5)


def record(digest: str, source: str = "a", label: str | int | None = "cat") -> PreparedRecord:
    return PreparedRecord(digest, source, label, b"", None, {})


def test_the_source_decides_the_split_before_the_content() -> None:
    low, high = record("00000000" + "0" * 56), record("ffffffff" + "0" * 56)
    assert [assigned_split(one, UNIT, DATA) for one in (low, high)] == [Split.HELD_OUT, Split.TRAIN]
    for split in Split:
        unit = Unit(DataFormat.NPZ, "data.uri", "a.npz", split=split)
        assert [assigned_split(one, unit, DATA) for one in (low, high)] == [split, split]
        assert can_share_content([UNIT, unit])
    assert not can_share_content([UNIT, UNIT])


def test_records_are_sorted_and_labelled_ones_come_first() -> None:
    rows = [record("2", "b"), record("2", "a", None), record("2", "a"), record("1", "z", None)]
    arranged = arrange(rows, TaskKind.IMAGE)
    assert [(one.content_sha256, one.source, one.label) for one in arranged.stored] == [
        ("1", "z", None),
        ("2", "a", "cat"),
        ("2", "a", None),
        ("2", "b", "cat"),
    ]
    assert arranged == arrange(reversed(rows), TaskKind.IMAGE)
    assert (arranged.num_labelled_left_out, arranged.num_unlabelled_left_out) == (0, 0)


def test_what_is_held_out_is_left_out_and_counted_by_kind() -> None:
    rows = [record("1"), record("1", "b"), record("1", "c", None), record("2"), record("3")]
    images = arrange(rows, TaskKind.IMAGE, {"1", "3"})
    assert images.stored == [record("2")]
    assert (images.num_labelled_left_out, images.num_unlabelled_left_out) == (3, 1)
    texts = arrange(rows, TaskKind.TEXT, {"1", "3"})
    assert texts.stored == [row for row in rows if row.label is not None]
    assert (texts.num_labelled_left_out, texts.num_unlabelled_left_out) == (0, 1)


@pytest.mark.parametrize(
    ("declared", "found", "names"),
    [
        (None, {"b", "a"}, ("a", "b")),
        (None, {2, 0}, ("0", "1", "2")),
        (("dog", "cat"), {"cat"}, ("dog", "cat")),
        (("dog", "cat"), {1}, ("dog", "cat")),
    ],
)
def test_names_are_those_declared_or_found(
    declared: tuple[str, ...] | None, found: set[str | int], names: tuple[str, ...]
) -> None:
    assert settled_names(declared, found) == names
    for label in found:
        assert names[class_index(record("1", label=label), names)] == (names[label] if type(label) is int else label)


@pytest.mark.parametrize(
    ("declared", "found", "message"),
    [
        (None, {"a", 1}, "found labels that are numbers and labels that are text"),
        (("dog", "cat"), {"cat", "owl"}, "found label 'owl', accepted are the classes that the source declares"),
        (("dog", "cat"), {2}, "found label '2', accepted are the classes"),
    ],
)
def test_labels_that_fit_no_names_are_refused(
    declared: tuple[str, ...] | None, found: set[str | int], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        settled_names(declared, found)


@pytest.mark.parametrize("label", [None, "owl", 2])
def test_a_record_without_one_of_the_classes_has_no_index(label: str | int | None) -> None:
    with pytest.raises(ValueError, match="accepted are 2 classes"):
        class_index(record("1", label=label), ("dog", "cat"))
