"""The steps one by one; their docstrings have examples of the whole way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import learn2compress as l2c


@pytest.fixture
def compression(teacher: Any, discs: Any, others: Any, family: Any, checkpoint: Path) -> Any:
    """That of `family`, whose results are there."""
    return l2c.prepare(
        teacher,
        (discs.images / 255, discs.labels),
        (others.images / 255, others.labels),
        students={"large": "40 kB", "small": 20_000},
        checkpoint=checkpoint,
        class_names=("blue", "green", "red"),
        training={"epochs": 2},
        prune={"epochs": 1},
        quantize={"epochs": 1},
        evaluate={"latency_rounds": 3, "threads": []},
    )


def test_the_steps_in_a_row_are_compress(compression: Any, family: Any) -> None:
    trained = l2c.train_jointly(compression)
    files = [l2c.quantize(compression, l2c.prune(compression, student)) for student in trained.values()]
    found = l2c.select(compression, [l2c.evaluate(compression, file) for file in files])
    assert [student.content for student in found.values()] == [student.content for student in family.values()]
    assert [record.phase for record in files[0].history] == ["train", "train", "prune", "quantize"]


def test_a_step_leaves_what_it_was_given_as_it_was(compression: Any) -> None:
    student = l2c.train_jointly(compression)["small"]
    before = [weights.copy() for weights in student.model.get_weights()]
    pruned = l2c.prune(compression, student)
    assert all((old == new).all() for old, new in zip(before, student.model.get_weights(), strict=True))
    assert any((old != new).any() for old, new in zip(before, pruned.model.get_weights(), strict=False))


def test_a_student_that_breaks_its_own_limit_is_refused_with_both_sizes(compression: Any, family: Any) -> None:
    tight = replace(compression, max_model_bytes={"small": 5_000})
    found = l2c.select(tight, list(family.values()))
    size = f"{family['small'].model_bytes:,}"
    assert found["small"].reasons[0] == f"model_bytes {size} is above the student's own limit of 5,000"


def test_a_student_of_another_compression_is_refused(compression: Any) -> None:
    student = replace(l2c.train_jointly(compression)["small"], name="tiny")
    with pytest.raises(l2c.ConfigError, match="student: found 'tiny', accepted are large, small"):
        l2c.prune(compression, student)
