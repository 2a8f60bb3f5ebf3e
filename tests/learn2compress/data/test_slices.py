from __future__ import annotations

import pytest

from learn2compress.config import EvaluateConfig
from learn2compress.data.slices import OTHER, slice_namer


@pytest.mark.parametrize(
    ("pattern", "source", "name"),
    [
        ("*/{slice}_*", "cat/phone_0001.jpg", "phone"),
        ("*/{slice}_*", "cat/phone_two_0001.jpg", "phone"),
        ("{slice}.tsv#*", "kitchen.tsv#17", "kitchen"),
        ("{slice}/*", "cat/1.png", "cat"),
        ("{slice}/*", "cat/deeper/1.png", OTHER),
        ("{slice}.csv#*", "kitchen.tsv#17", OTHER),
        ("*-*-{slice}", "a-b-c-d", "c-d"),
        ("{slice}*.png", "a1.png.png", "a"),
        ("*.[a]/{slice}_*", "x.[a]/b_1", "b"),
        ("*.[a]/{slice}_*", "x.a/b_1", OTHER),
    ],
)
def test_a_source_belongs_to_the_slice_that_the_pattern_names(pattern: str, source: str, name: str) -> None:
    assert slice_namer(pattern)(source) == name


@pytest.mark.parametrize("pattern", ["*/*_*.png", "{slice}/{slice}", "*****{slice}"])
def test_a_pattern_names_one_slice_and_few_stars(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"accepted is a pattern with \{slice\} once and at most 4 \*"):
        EvaluateConfig(slice_by=pattern)


def test_a_long_source_that_does_not_fit_is_soon_given_up() -> None:
    # Tried in every way that it could fit, this would take years.
    assert slice_namer("*a*a*a*a{slice}!")("a" * 5000) == OTHER
