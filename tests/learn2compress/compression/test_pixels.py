from __future__ import annotations

import numpy as np
import pytest

from learn2compress.compression.pixels import BYTES, SIGNED, UNIT, range_of, rounding_note
from learn2compress.config.parsing import ConfigError

STEPS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (STEPS, BYTES),
        (STEPS.astype(np.float32), BYTES),
        (STEPS.astype(np.int64), BYTES),
        (STEPS / 255, UNIT),
        (np.array([0, 1]), UNIT),
        (np.array([False, True]), UNIT),
        (STEPS / 127.5 - 1, SIGNED),
        # The numbers of a dark image as bytes are bytes, whatever its type can't tell.
        (np.zeros(3, np.uint8), BYTES),
    ],
)
def test_the_range_of_pixels_is_told(values: np.ndarray, expected: object) -> None:
    assert range_of(values, "train") == expected


@pytest.mark.parametrize("found", [BYTES, UNIT, SIGNED])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_come_back_as_they_were(found: object, dtype: type) -> None:
    values = (STEPS * found.multiply + found.add).astype(dtype)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found.to_bytes(values, "train"), STEPS)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "values", [np.array([-2.1, 2.6]), np.array([0, 256]), np.array([0.0, np.nan]), np.array(["a"]), np.array([-1, 5])]
)
def test_what_is_no_pixel_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"^train: found .*accepted are"):
        range_of(values, "train")


def test_a_later_image_of_another_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"from 0 to 255 among images whose first ones have 0\.\.1"):
        UNIT.to_bytes(np.array([0.0, 255.0]), "train")


def test_rounding_is_told_where_something_is_lost() -> None:
    assert rounding_note(UNIT, STEPS / 255, "train") is None
    assert rounding_note(BYTES, STEPS, "train") is None
    note = rounding_note(UNIT, np.random.default_rng(0).random(1000), "train")
    assert note is not None
    assert "rounded to 256 steps of 0..1" in note


def test_the_scaling_makes_the_numbers_of_the_bytes_again() -> None:
    scaling = SIGNED.scaling
    np.testing.assert_allclose(STEPS * scaling.multiply + scaling.add, STEPS / 127.5 - 1)
