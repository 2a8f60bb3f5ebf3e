"""Tests of `examples/teachers/views.py`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SHAPE = (9, 7, 3)
IMAGES = np.random.default_rng(1).integers(1, 256, (40, *SHAPE), dtype=np.uint8)
PLACES = np.arange(40)


@pytest.fixture
def views(example: Callable[[str], ModuleType]) -> Callable[..., np.ndarray]:
    def make(epoch: int = 0, places: np.ndarray = PLACES, **changes: Any) -> np.ndarray:
        epoch_views = example("teachers.views").EpochViews(40, SHAPE, 5, epoch, **{"flip": False, **changes})
        return epoch_views.of(IMAGES, places)

    return make


def test_without_changes_images_are_what_they_were(views: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(views(), IMAGES)


def test_each_image_is_mirrored_in_one_of_two_epochs(views: Callable[..., np.ndarray]) -> None:
    first, second, third = (views(epoch, flip=True) for epoch in range(3))
    mirrored = [not np.array_equal(view, image) for view, image in zip(first, IMAGES, strict=True)]
    assert 8 < sum(mirrored) < 32
    np.testing.assert_array_equal(second, first[:, :, ::-1])
    np.testing.assert_array_equal(third, first)


def test_shifts_reflect_what_comes_from_outside(views: Callable[..., np.ndarray]) -> None:
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    seen = set()
    for view, image in zip(views(shift_pixels=2), padded, strict=True):
        found = [(y, x) for y in range(5) for x in range(5) if np.array_equal(image[y : y + 9, x : x + 7], view)]
        assert found
        seen.add(found[0])
    assert {y for y, _ in seen} == {x for _, x in seen} == set(range(5))
    assert not np.array_equal(views(0, shift_pixels=2), views(1, shift_pixels=2))


def test_cutout_paints_one_whole_square(views: Callable[..., np.ndarray]) -> None:
    for view in views(cutout_pixels=3, colour=np.array([0, 0, 0], np.uint8)):
        painted = (view == 0).all(-1)
        rows, columns = painted.any(1), painted.any(0)
        assert painted.sum() == rows.sum() * columns.sum() == 9
        assert rows.sum() == 3


def test_a_view_does_not_depend_on_the_batch(views: Callable[..., np.ndarray]) -> None:
    changes = {"flip": True, "shift_pixels": 2, "cutout_pixels": 3}
    np.testing.assert_array_equal(views(3, np.array([7, 2]), **changes), views(3, **changes)[[7, 2]])


def test_an_epoch_has_an_order_of_its_own_which_it_always_has(example: Callable[[str], ModuleType]) -> None:
    epoch_order = example("teachers.views").epoch_order
    first, again, second = epoch_order(40, 5, 0), epoch_order(40, 5, 0), epoch_order(40, 5, 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(second), PLACES)
