"""What is accepted follows from the counts alone."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import DataConfig, DataFormat, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.assignment import RepeatedRecord
from learn2compress.data.checks import check_conflicts, check_held_out_classes, check_splits, check_trained_classes


def summary(**changes: Any) -> dict[str, Any]:
    clean = {
        "labels": ["cat", "dog"],
        "num_train": 90,
        "num_unlabelled": 20,
        "num_held_out": 25,
        "num_labelled_left_out": 1,
        "num_conflicting_left_out": 4,
        "num_conflicting": {"train": 4, "held_out": 1},
        "class_counts": {"train": [35, 35], "held_out": [20, 5]},
    }
    return clean | changes


def test_labels_may_contradict_each_other_up_to_the_limit_and_no_more() -> None:
    rows = [
        RepeatedRecord("train", "a.png", "cat", False, False, "its content is held out"),
        RepeatedRecord("train", "b.png", "cat", False, True, "c.png has its content and label 'dog'"),
    ]
    check_conflicts(summary(), rows, TaskKind.IMAGE, 0.05)
    check_conflicts(summary(num_conflicting={"train": 0, "held_out": 0}), (), TaskKind.IMAGE, 0.0)
    with pytest.raises(ConfigError) as error:
        check_conflicts(summary(), rows, TaskKind.IMAGE, 0.049)
    assert str(error.value) == (
        "data.max_conflict_ratio: found 5 of 100 labelled examples whose content has another label, too, accepted is a "
        "ratio of 0.049 at most; give each content one label (repeated_content.jsonl beside the examples lists them): "
        "b.png with label 'cat': c.png has its content and label 'dog'"
    )
    with pytest.raises(ConfigError, match=r"set data.repeated_texts: keep if people mean different things"):
        check_conflicts(summary(), rows, TaskKind.TEXT, 0.0)


@pytest.mark.parametrize(("least", "is_accepted"), [(0, True), (1, True), (5, True), (6, False), (21, False)])
def test_each_class_needs_its_held_out_examples(least: int, is_accepted: bool) -> None:
    data = DataConfig(min_held_out_per_class=least)
    if is_accepted:
        check_held_out_classes(summary(), data)
        return
    with pytest.raises(ConfigError, match=rf"^data.min_held_out_per_class: .*than {least} \(.*'dog' has 5\), so that"):
        check_held_out_classes(summary(), data)


def test_what_to_do_follows_from_how_the_split_is_made() -> None:
    none = summary(class_counts={"train": [35, 35], "held_out": [25, 0]})
    with pytest.raises(
        ConfigError, match=r"or hold out a larger share \(data.held_out_ratio, 0.1 now\) if they have enough"
    ):
        check_held_out_classes(none, DataConfig(held_out_ratio=0.1))
    apart = DataConfig(format=DataFormat.NPZ, uri="a", held_out_uri="b")
    with pytest.raises(ConfigError, match=r"; add some of them to data.held_out_uri; or accept it"):
        check_held_out_classes(none, apart)
    many = summary(labels=list("abcde"), class_counts={"train": [1] * 5, "held_out": [0] * 5})
    with pytest.raises(ConfigError, match=r"found 5 of 5 classes .* \('a' has 0, 'b' has 0, 'c' has 0, \.\.\.\)"):
        check_held_out_classes(many, apart)


@pytest.mark.parametrize(("num_validation", "left_out", "why"), [(49, 0, ""), (0, 7, " (without 7 whose content is")])
def test_fifty_examples_to_choose_by_are_needed(num_validation: int, left_out: int, why: str) -> None:
    check_splits(summary())
    check_splits(summary(num_validation=50, num_validation_left_out=left_out))
    with pytest.raises(ConfigError) as error:
        check_splits(summary(num_validation=num_validation, num_validation_left_out=left_out))
    expected = f"data.validation_uri: found {num_validation} examples to choose by{why}"
    assert str(error.value).startswith(expected)


def test_a_class_that_is_only_chosen_by_is_told() -> None:
    counts = {"train": [35, 0], "held_out": [20, 5], "validation": [30, 40]}
    message = "class 'dog' is empty for training: 5 of its examples are held out, and 40 are in the validation split"
    with pytest.raises(ConfigError, match=message):
        check_trained_classes(summary(class_counts=counts))


def test_those_to_choose_by_count_among_all() -> None:
    rows = [RepeatedRecord("train", "b.png", "cat", False, True, "c.png has its content and label 'dog'")]
    with pytest.raises(ConfigError, match="found 5 of 163 labelled examples"):
        check_conflicts(summary(num_validation=60, num_validation_left_out=3), rows, TaskKind.IMAGE, 0.0)
