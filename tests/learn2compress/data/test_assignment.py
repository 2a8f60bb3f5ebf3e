"""Where a record goes follows from the record, its unit and the configuration alone."""

from __future__ import annotations

import pytest

from learn2compress.config import DataConfig, DataFormat, RepeatedTexts, TaskConfig, TaskKind
from learn2compress.data.assignment import (
    RepeatedRecord,
    arrange,
    assigned_split,
    can_share_content,
    class_index,
    keeps_repeated,
    settled_names,
)
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import Label, NamedIndex, SourceError, Split, Unit

UNIT = Unit(DataFormat.NPZ, "data.uri", "a.npz", ("x", "y"), 0, 4)
DATA = DataConfig(held_out_ratio=0.5)


def record(digest: str, source: str = "a", label: Label | None = "cat") -> PreparedRecord:
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
    arranged = arrange(rows, Split.TRAIN)
    assert [(one.content_sha256, one.source, one.label) for one in arranged.stored] == [
        ("1", "z", None),
        ("2", "a", "cat"),
        ("2", "a", None),
        ("2", "b", "cat"),
    ]
    assert arranged == arrange(reversed(rows), Split.TRAIN)
    assert (arranged.num_labelled_left_out, arranged.num_unlabelled_left_out) == (0, 0)
    assert arranged.repeated == ()


def test_what_is_held_out_is_left_out_of_training_and_counted_by_kind() -> None:
    rows = [record("1"), record("1", "b"), record("1", "c", None), record("2"), record("3")]
    held_out = {Split.HELD_OUT: {"1": {"cat"}, "3": {"cat"}}}
    left = arrange(rows, Split.TRAIN, held_out)
    assert left.stored == [record("2")]
    assert (left.num_labelled_left_out, left.num_unlabelled_left_out, left.num_conflicting) == (3, 1, 0)
    assert {(row.source, row.label, row.is_stored, row.reason) for row in left.repeated} == {
        ("a", "cat", False, "its content is held out"),
        ("b", "cat", False, "its content is held out"),
        ("c", "", False, "its content is held out"),
    }
    kept = arrange(rows, Split.TRAIN, held_out, keep_repeated=True)
    assert kept.stored == [row for row in rows if row.label is not None]
    assert (kept.num_labelled_left_out, kept.num_unlabelled_left_out) == (0, 1)
    # Nothing leaves the split that is measured on.
    assert arrange(rows, Split.HELD_OUT).stored == rows


def test_content_with_two_labels_is_left_out_of_training_and_stays_where_it_is_held_out() -> None:
    rows = [record("1"), record("1", "b", "dog"), record("1", "c", None), record("2"), record("2", "b")]
    train = arrange(rows, Split.TRAIN)
    # The teacher tells what nobody labelled.
    assert train.stored == [record("1", "c", None), record("2"), record("2", "b")]
    assert (train.num_conflicting, train.num_conflicting_stored, train.num_conflicting_left_out) == (2, 0, 2)
    assert (train.num_labelled_left_out, train.num_unlabelled_left_out) == (0, 0)
    assert train.repeated == (
        RepeatedRecord("train", "a", "cat", False, True, "b has its content and label 'dog'"),
        RepeatedRecord("train", "b", "dog", False, True, "a has its content and label 'cat'"),
    )
    for kept in (arrange(rows, Split.HELD_OUT), arrange(rows, Split.TRAIN, keep_repeated=True)):
        assert kept.stored == rows
        assert (kept.num_conflicting, kept.num_conflicting_stored, kept.num_conflicting_left_out) == (2, 2, 0)
        assert [row.is_stored for row in kept.repeated] == [True, True]


def test_a_training_record_with_another_label_than_the_held_out_one_is_a_conflict() -> None:
    left = arrange([record("1"), record("1", "c", None)], Split.TRAIN, {Split.HELD_OUT: {"1": {"dog"}}})
    assert (left.stored, left.num_labelled_left_out, left.num_unlabelled_left_out) == ([], 1, 1)
    assert (left.num_conflicting, left.num_conflicting_stored, left.num_conflicting_left_out) == (1, 0, 0)
    assert [(row.has_other_label, row.reason) for row in left.repeated] == [
        (True, "its content is held out with label 'dog'"),
        (False, "its content is held out"),
    ]
    unlabelled = arrange([record("1")], Split.TRAIN, {Split.HELD_OUT: {"1": ()}})
    assert (unlabelled.num_labelled_left_out, unlabelled.num_conflicting) == (1, 0)


def test_training_gives_way_to_the_validation_split_and_both_to_what_is_held_out() -> None:
    rows = [record("1"), record("2"), record("3"), record("4")]
    elsewhere = {Split.HELD_OUT: {"1": {"cat"}, "2": {"dog"}}, Split.VALIDATION: {"2": {"cat"}, "3": {"dog"}}}
    train = arrange(rows, Split.TRAIN, elsewhere)
    assert train.stored == [record("4")]
    assert [(row.has_other_label, row.reason) for row in train.repeated] == [
        (False, "its content is held out"),
        (True, "its content is held out with label 'dog'"),
        (True, "its content is in the validation split with label 'dog'"),
    ]
    validation = arrange(rows, Split.VALIDATION, elsewhere)
    assert validation.stored == [record("3"), record("4")]
    assert (validation.num_labelled_left_out, validation.num_conflicting) == (2, 1)
    assert arrange(rows, Split.HELD_OUT, elsewhere).stored == rows
    for split in (Split.TRAIN, Split.VALIDATION):
        assert arrange(rows, split, elsewhere, keep_repeated=True).stored == rows
    # Somebody chose them: two labels of one content stay, as among those that are held out.
    several = [record("5"), record("5", "b", "dog")]
    assert arrange(several, Split.VALIDATION).stored == several


@pytest.mark.parametrize(
    ("kind", "repeated", "keeps"),
    [
        (TaskKind.TEXT, RepeatedTexts.KEEP, True),
        (TaskKind.TEXT, RepeatedTexts.REMOVE, False),
        (TaskKind.IMAGE, RepeatedTexts.KEEP, False),
    ],
)
def test_texts_are_kept_where_the_configuration_says_so(kind: TaskKind, repeated: RepeatedTexts, keeps: bool) -> None:
    task = TaskConfig(kind=kind, input_shape=(8,) if kind is TaskKind.TEXT else (8, 8, 1))
    assert keeps_repeated(DataConfig(repeated_texts=repeated), task) is keeps


@pytest.mark.parametrize(
    ("declared", "found", "names"),
    [
        (None, {"b", "a"}, ("a", "b")),
        (None, {2, 0}, ("0", "1", "2")),
        (("dog", "cat"), {"cat"}, ("dog", "cat")),
        (("dog", "cat"), {1}, ("dog", "cat")),
        (None, {NamedIndex(1, "cat"), NamedIndex(0, "dog")}, ("dog", "cat")),
        (("dog", "cat"), {NamedIndex(1, "cat"), 0}, ("dog", "cat")),
    ],
)
def test_names_are_those_declared_or_found(
    declared: tuple[str, ...] | None, found: set[Label], names: tuple[str, ...]
) -> None:
    assert settled_names(declared, found) == names
    for label in found:
        expected = label.index if isinstance(label, NamedIndex) else label
        expected = names.index(expected) if isinstance(expected, str) else expected
        assert class_index(record("1", label=label), names) == expected


@pytest.mark.parametrize(
    ("declared", "found", "message"),
    [
        (None, {"a", 1}, "found labels that are numbers and labels that are text"),
        (("dog", "cat"), {"cat", "owl"}, "found label 'owl', accepted are the classes that the source declares"),
        (("dog", "cat"), {2}, "found label '2', accepted are the classes"),
        (None, {"a", NamedIndex(0, "b")}, "found labels that are numbers and labels that are text"),
        (("dog", "cat"), {NamedIndex(1, "owl")}, "found label 1 with the name 'owl' in a record, and 'cat' declared"),
    ],
)
def test_labels_that_fit_no_names_are_refused(
    declared: tuple[str, ...] | None, found: set[Label], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        settled_names(declared, found)


@pytest.mark.parametrize("label", [None, "owl", 2])
def test_a_record_without_one_of_the_classes_has_no_index(label: str | int | None) -> None:
    with pytest.raises(ValueError, match="accepted are 2 classes"):
        class_index(record("1", label=label), ("dog", "cat"))
