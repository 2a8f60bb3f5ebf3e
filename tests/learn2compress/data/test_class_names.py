"""Names of classes: their order, the names beside indices, and what is told about them."""

from __future__ import annotations

import pytest

from learn2compress.data.class_names import class_names, naming_notes, ordered_names, starts_at_one, too_many_classes
from learn2compress.data.records import Label, NamedIndex, SourceError


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ({0, 3}, ("0", "1", "2", "3")),
        ({"10", "9", "1"}, ("1", "9", "10")),
        ({"1", "-1", "0", "-10"}, ("-10", "-1", "0", "1")),
        ({"0.5", "10", "1.5"}, ("0.5", "1.5", "10")),
        ({"b", "10", "a", "9"}, ("10", "9", "a", "b")),
        ({"truck", "automobile", "Bird"}, ("Bird", "automobile", "truck")),
        ({NamedIndex(1, "cat"), NamedIndex(0, "dog"), 1}, ("dog", "cat")),
        ({NamedIndex(2, "cat")}, ("unnamed 0", "unnamed 1", "cat")),
        ({NamedIndex(0, "crane"), NamedIndex(1, "kite"), NamedIndex(2, "crane")}, ("crane (0)", "kite", "crane (2)")),
    ],
)
def test_class_names_in_index_order(found: set[Label], names: tuple[str, ...]) -> None:
    assert class_names(found) == names


def test_one_index_has_one_name() -> None:
    with pytest.raises(SourceError, match="found label 1 with the names 'cat', 'dog', accepted is one name"):
        class_names({NamedIndex(1, "cat"), NamedIndex(1, "dog")})


def test_an_order_that_is_not_that_of_text_is_told() -> None:
    (note,) = naming_notes(ordered_names(["0", "1", "10", "2"]))
    assert note.startswith("the names of the classes are numbers and in numeric order, so output 2 is class '2'")
    assert "has '10' there" in note
    assert naming_notes(["0", "1", "2"]) == naming_notes(["1", "10", "a"]) == ()


def test_labels_that_begin_at_one_are_told() -> None:
    assert naming_notes(["1", "2", "3"]) == ("the labels begin at 1: output 0 is class '1', and output 2 is '3'",)
    assert str(starts_at_one(["0", "1", "2"], [0, 4, 4], declared=False)).startswith(
        "found labels 1 to 2 and none that is 0, accepted are labels from 0: if they count from 1, set "
        "data.first_label: 1"
    )
    for names, counts, declared in ((["0", "1"], [1, 1], False), (["0", "1", "2"], [0, 0, 1], False)):
        assert starts_at_one(names, counts, declared=declared) is None
    assert starts_at_one(["0", "1"], [0, 4], declared=True) is None


def test_names_that_a_person_takes_for_one_are_said() -> None:
    (note,) = naming_notes(["NEG", "POS", "neutral", "pos", "pos "])
    assert note.startswith("these classes differ in case, spaces or the form of a character alone: 'POS' and 'pos'")
    assert naming_notes(["cafe\u0301", "caf\u00e9"])[0].count("caf") == 2
    assert naming_notes(["a", "b"]) == ()


def test_classes_nearly_as_many_as_examples_are_none() -> None:
    names = [f"text {index}" for index in range(11)]
    assert str(too_many_classes(names, 21)).startswith("found 11 classes in 21 examples, such as 'text 0', 'text 1'")
    assert too_many_classes(names, 22) is None
    assert too_many_classes(names[:10], 10) is None
