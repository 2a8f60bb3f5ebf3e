"""A ratio of a number of things is exact for decimals, where floating point loses one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from learn2compress.config.ratios import count_at_ratio


@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_every_usual_decimal_of_every_usual_total_is_exact(decimals: int) -> None:
    scale = 10**decimals
    for step in range(scale + 1):
        # As the configuration's reader makes it of the text.
        ratio = float(f"{step / scale:.{decimals}f}")
        for total in (1, 3, 7, 64, 100, 144, 385, 1000, 2304, 36_864, 1_000_000, 2**31):
            assert count_at_ratio(ratio, total) == step * total // scale, (ratio, total)


def test_what_floating_point_loses_is_kept() -> None:
    assert (int(0.29 * 100), count_at_ratio(0.29, 100)) == (28, 29)
    assert (int(0.57 * 100), count_at_ratio(0.57, 100)) == (56, 57)
    assert (int(0.07 * 300), count_at_ratio(0.07, 300)) == (21, 21)


def test_a_ratio_that_was_divided_is_its_own_count() -> None:
    for total in range(1, 200):
        assert [count_at_ratio(count / total, total) for count in range(total + 1)] == list(range(total + 1))


def test_it_rounds_down_and_stays_between_none_and_all() -> None:
    assert [count_at_ratio(ratio, 10) for ratio in (0.0, 0.05, 0.099, 0.1, 0.999, 1.0)] == [0, 0, 0, 1, 9, 10]
    assert count_at_ratio(0.5, 0) == 0
    for ratio in (0.123456789, 0.3333333, 0.987654321):
        assert count_at_ratio(ratio, 997) == int(Fraction(str(ratio)) * 997)
