"""Tests of `examples/teachers/schedules.py`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def schedules(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("teachers.schedules")


def test_a_triangle_rises_from_a_fifth_and_falls_to_what_the_recipe_says(
    schedules: ModuleType, example: Callable[[str], ModuleType]
) -> None:
    recipes = example("teachers.recipes").RECIPES
    shares = [schedules.triangle_share(step, 100, recipes["airbench94"]) for step in range(100)]
    assert shares[0] == pytest.approx(0.2)
    assert max(shares) == shares[23] == pytest.approx(1.0)
    assert schedules.triangle_share(100, 100, recipes["airbench94"]) == pytest.approx(0.07)
    assert schedules.triangle_share(100, 100, recipes["airbench96"]) == pytest.approx(0.0)


def test_lookahead_averages_in_intervals_and_ends_with_the_average(schedules: ModuleType) -> None:
    decays = [schedules.lookahead_decay(step, 23, 512) for step in range(23)]
    assert [step for step, decay in enumerate(decays) if decay is not None] == [9, 19, 22]
    assert decays[9] == pytest.approx(0.95**5 * (10 / 23) ** 3)
    assert decays[22] == 1.0
    assert [schedules.lookahead_decay(step, 4, 512) for step in range(4)] == [None] * 4, "there is no average yet"


def test_images_grow_in_equal_parts_of_the_epochs(schedules: ModuleType) -> None:
    assert [schedules.side_in_epoch(epoch, 7, 32, (24, 28)) for epoch in range(7)] == [24, 24, 24, 28, 28, 32, 32]
    assert {schedules.side_in_epoch(epoch, 7, 32, ()) for epoch in range(7)} == {32}
