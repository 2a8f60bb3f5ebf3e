"""Names in the order of a teacher's outputs become indices, or one line says what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from learn2compress.config import TeacherMemberConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.class_order import classes_setting, numbered_outputs, order_of, yaml_list

LABELS = ("apple", "lime", "plum")


def test_names_become_the_output_of_each_class() -> None:
    assert order_of(("plum", "apple", "lime"), LABELS, "teacher.classes") == (1, 2, 0)


def test_the_datas_own_order_changes_nothing() -> None:
    assert order_of(LABELS, LABELS, "teacher.classes") is None


@pytest.mark.parametrize(
    ("classes", "wrong"),
    [
        (("plum", "apple"), "2 names (no 'lime')"),
        (("plum", "apple", "kiwi"), "3 names (no 'lime'; not in the data 'kiwi')"),
        (("plum", "apple", "lime", "plum"), "4 names (twice 'plum')"),
        (tuple("cdefghi"), "7 names (no 'apple', 'lime', 'plum'; not in the data 'c', 'd', 'e', 'f', 'g' and 2 more)"),
    ],
)
def test_other_names_are_refused_in_one_line(classes: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        order_of(classes, LABELS, "teacher.ensemble.0.classes")
    assert str(caught.value) == (
        f"teacher.ensemble.0.classes: found {wrong}, accepted are the 3 classes of the data, each once, in the order "
        "of the teacher's outputs: 'apple', 'lime', 'plum'"
    )


@pytest.mark.parametrize("order", [None, (1, 2, 0), (2, 1, 0)])
def test_what_to_set_makes_answers_mean_what_they_were_assigned_to(order: tuple[int, ...] | None) -> None:
    assignment = np.array([2, 0, 1])
    setting = classes_setting(assignment, order, LABELS)
    new = order_of(setting, LABELS, "teacher.classes") or (0, 1, 2)
    # The output that was read as class c is now read as the one that c was assigned to.
    for answered, assigned in enumerate(assignment):
        assert new[assigned] == (answered if order is None else order[answered])


def test_a_list_can_be_pasted_into_yaml() -> None:
    names = ["plum", "1", "no", "a, b", "café", "x: y"]
    assert yaml.safe_load(yaml_list(names)) == names
    assert yaml_list(["plum", "lime"]) == "[plum, lime]"
    assert "\n" not in yaml_list(["long name"] * 50)


def test_names_become_numbers_in_the_order_of_the_datas_classes() -> None:
    def numbered(**settings: Any) -> tuple[int, ...] | None:
        return numbered_outputs(TeacherMemberConfig("a", **settings), ["cat", "dog"], "teacher")

    assert numbered(outputs={"dog": 7, "cat": 3}) == (3, 7)
    assert numbered(outputs=(4, 5)) == (4, 5)
    assert numbered(classes=("dog", "cat")) == (1, 0)
    assert numbered() is None
    assert numbered_outputs(TeacherMemberConfig("a", outputs=(4, 5)), None, "teacher") == (4, 5)
    with pytest.raises(ValueError, match=r"teacher: found names of classes, but nobody said"):
        numbered_outputs(TeacherMemberConfig("a", outputs={"dog": 7, "cat": 3}), None, "teacher")


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"cat": 1, "fox": 2}, "teacher.outputs: found no output of class 'dog', accepted is .* of the data: 'cat'"),
        ({"cat": 1, "dog": 2, "fox": 3}, "teacher.outputs: found an output of 'fox', accepted"),
    ],
)
def test_classes_that_the_data_does_not_have_are_named(outputs: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        numbered_outputs(TeacherMemberConfig("a", outputs=outputs), ["cat", "dog"], "teacher")
