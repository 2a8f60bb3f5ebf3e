from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from learn2compress.config import Corruption
from learn2compress.data.corruptions import SEVERITIES, corrupted

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
DIGESTS = [hashlib.sha256(image.tobytes()).hexdigest() for image in IMAGES]


def distance(one: Any, other: Any) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("corruption", Corruption)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_corruption_grows_with_its_severity(corruption: Corruption, channels: int) -> None:
    images = IMAGES[..., :channels]
    distances = [distance(images, corrupted(images, DIGESTS, corruption, severity)) for severity in SEVERITIES]

    assert 0 < distances[0] < distances[1] < distances[2]
    assert corrupted(images, DIGESTS, corruption, 1).dtype == np.uint8


@pytest.mark.parametrize("corruption", Corruption)
def test_an_image_becomes_the_same_one_whatever_stands_beside_it(corruption: Corruption) -> None:
    together = corrupted(IMAGES, DIGESTS, corruption, 3)
    alone = corrupted(IMAGES[2:3], DIGESTS[2:3], corruption, 3)

    np.testing.assert_array_equal(together[2:3], alone)


def test_noise_differs_between_images_kinds_and_severities() -> None:
    grey = np.full((2, 16, 16, 1), 128, np.uint8)
    one, other = corrupted(grey, ["0" * 64, "1" * 64], Corruption.GAUSSIAN_NOISE, 1)
    assert not np.array_equal(one, other)
    impulse = corrupted(grey[:1], ["0" * 64], Corruption.IMPULSE_NOISE, 5)
    assert set(np.unique(impulse)) == {0, 128, 255}


def test_large_images_are_corrupted_as_in_imagenet_c() -> None:
    grey = np.full((1, 128, 128, 1), 128, np.uint8)
    noisy = corrupted(grey, ["0" * 64], Corruption.GAUSSIAN_NOISE, 1)
    assert np.std(noisy / 255) == pytest.approx(0.08, rel=0.03)
    assert np.std(corrupted(grey[:, :64, :64], ["0" * 64], Corruption.GAUSSIAN_NOISE, 1) / 255) == pytest.approx(
        0.04, rel=0.05
    )


def test_brightness_raises_the_value_and_keeps_the_hue() -> None:
    pixels = np.array([[[[100, 50, 0], [0, 0, 0], [255, 255, 255]]]], np.uint8)
    bright = corrupted(pixels, ["0" * 64], Corruption.BRIGHTNESS, 3)[0, 0]  # 0.15 of 255 is 38.25

    np.testing.assert_allclose(bright, [[138, 69, 0], [38, 38, 38], [255, 255, 255]], atol=1)


def test_contrast_pulls_towards_the_mean_of_the_image() -> None:
    pixels = np.array([[[[0], [200]]]], np.uint8)
    np.testing.assert_allclose(corrupted(pixels, ["0" * 64], Corruption.CONTRAST, 3)[0, 0, :, 0], [60, 140], atol=1)
