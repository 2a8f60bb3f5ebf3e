"""Every view has its turn, at one size in a step, and the same seed gives the same turns."""

from __future__ import annotations

from collections import Counter

from learn2compress.families.network import View
from learn2compress.families.turns import views_at

VIEWS = [View(width, size) for width in (0.5, 0.75, 1.0) for size in (24, 32)]
WIDEST = View(1.0, 32)


def test_the_narrowest_and_another_of_one_size_take_part_and_all_have_their_turn() -> None:
    turns = [views_at(VIEWS, 7, step) for step in range(400)]
    for turn in turns:
        narrowest, *other = turn
        assert narrowest.width == 0.5
        assert {view.input_size for view in turn} == {narrowest.input_size}
        assert WIDEST not in turn
        assert len(other) == 1
        assert other[0].width > 0.5
    counts = Counter(view for turn in turns for view in turn)
    assert set(counts) == set(VIEWS) - {WIDEST}
    assert min(counts.values()) > 60


def test_they_are_a_function_of_seed_and_step() -> None:
    turns = [views_at(VIEWS, 7, step) for step in range(50)]
    assert turns == [views_at(VIEWS, 7, step) for step in range(50)]
    assert turns != [views_at(VIEWS, 8, step) for step in range(50)]


def test_few_views_have_fewer() -> None:
    assert views_at([View(1.0, None)], 0, 0) == ()
    assert views_at([View(1.0, None), View(0.5, None)], 0, 0) == (View(0.5, None),)
    assert {views_at([View(1.0, 8), View(1.0, 6), View(1.0, 4)], 0, step) for step in range(30)} == {
        (View(1.0, 6),),
        (View(1.0, 4),),
    }
