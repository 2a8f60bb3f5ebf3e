"""Channels at a width."""

from __future__ import annotations

import pytest

from learn2compress.students.layers import Layers


def test_width_1_leaves_channels_as_they_are() -> None:
    assert [Layers().channels(channels) for channels in (1, 10, 16, 33)] == [1, 10, 16, 33]


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [(16, 0.5, 8), (16, 0.05, 4), (10, 0.7, 8), (2, 0.5, 2), (16, 1.5, 24), (3, 2, 8)],
)
def test_other_widths_give_multiples_of_4(channels: int, width: float, expected: int) -> None:
    assert Layers(width).channels(channels) == expected


@pytest.mark.parametrize("channels", [1, 3, 9, 10, 16, 50])
def test_a_wider_student_never_has_fewer_channels(channels: int) -> None:
    by_width = [Layers(width / 100).channels(channels) for width in range(5, 301)]
    assert by_width == sorted(by_width)
