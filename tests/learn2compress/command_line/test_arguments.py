"""Sizes and settings as a shell hands them over."""

from __future__ import annotations

import pytest

from learn2compress.command_line.arguments import nested_settings, student_sizes
from learn2compress.config.parsing import ConfigError


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("80000", {"student": 80_000}),
        ("100kB,500kB", {"large": 500_000, "small": 100_000}),
        ("1.5MB, 500 kB, 100kB", {"large": 1_500_000, "medium": 500_000, "small": 100_000}),
        ("4kB,3kB,2kB,1kB", {"student1": 4000, "student2": 3000, "student3": 2000, "student4": 1000}),
        ("watch=50kB,phone=0.5MB", {"phone": 500_000, "watch": 50_000}),
        ("teacher", {"own": "teacher"}),
        ("100kB, teacher, 500kB", {"own": "teacher", "large": 500_000, "small": 100_000}),
        ("small=10kB,mine=teacher", {"mine": "teacher", "small": 10_000}),
    ],
)
def test_sizes_get_names_from_the_largest(text: str, sizes: dict[str, int | str]) -> None:
    found = student_sizes(text)
    assert list(found.items()) == list(sizes.items())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found ''"),
        ("500kb", "found '500kb'"),
        ("500kB,", "found ''"),
        ("0kB", "found '0kB'"),
        ("-1kB", "found '-1kB'"),
        ("500kB,500000", "found one size twice"),
        ("a=1kB,a=2kB", "found one name twice"),
        ("teacher,teacher", "found one name twice"),
        ("a=teacher,b=teacher", "found one size twice"),
        ("1,5MB", "found '1,5MB', where a comma stands between sizes"),
        ("large=1,5MB", "found '1,5MB', where a comma stands"),
        ("2MB,1,5MB", "found '1,5MB', where a comma stands"),
        ("1,500,000", "found '1,500', where a comma stands"),
        ("9" * 400, "found '999"),
        ("9" * 400 + "MB", "found '999"),
        ("a=1kB,2kB", "accepted are names for all sizes"),
    ],
)
def test_what_is_no_list_of_sizes_is_refused(text: str, found: str) -> None:
    with pytest.raises(ConfigError, match="--students: ") as refused:
        student_sizes(text)
    assert found in str(refused.value)


def test_settings_are_nested_and_typed_as_in_a_file() -> None:
    found = nested_settings(
        ["training.epochs=5", "training.augment.flip=true", "seed=7", "constraints.max_accuracy_drop = 1e-2", "name=no"]
    )
    assert found == {
        "training": {"epochs": 5, "augment": {"flip": True}},
        "seed": 7,
        "constraints": {"max_accuracy_drop": 0.01},
        "name": "no",
    }
    assert nested_settings([]) == {}


@pytest.mark.parametrize(
    ("assignments", "found"),
    [
        (["epochs"], "found 'epochs', accepted is PATH=VALUE"),
        (["training..epochs=5"], "accepted is PATH=VALUE"),
        (["=5"], "accepted is PATH=VALUE"),
        (["seed=1", "seed=2"], "found seed twice"),
        (["training=1", "training.epochs=2"], "found a value for training.epochs and one for what it is part of"),
        (["training.epochs=2", "training=1"], "found a value for training.epochs and one for what it is part of"),
        (["seed=017"], "--set seed: line 1: found 017"),
        (["stages=[1"], "--set stages: line 1: not YAML"),
    ],
)
def test_what_is_no_setting_is_refused(assignments: list[str], found: str) -> None:
    with pytest.raises(ConfigError) as refused:
        nested_settings(assignments)
    assert found in str(refused.value)
