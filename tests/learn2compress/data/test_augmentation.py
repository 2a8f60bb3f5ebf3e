"""Augmentation: a pure function of each example and its seeds, and each option does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from learn2compress.config import AugmentConfig
from learn2compress.data.augmentation import augment, example_seeds, view_seed

ALL = AugmentConfig(flip=True, shift_ratio=0.25, brightness=0.3, contrast=0.5, saturation=0.5)
NUM = 2000


def noise(count: int, shape: tuple[int, int, int] = (8, 12, 3), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def seeds_of(images: np.ndarray) -> Any:
    return example_seeds(tf.constant([image.tobytes() for image in images]))


def view(images: np.ndarray, config: AugmentConfig, number: int = 0) -> np.ndarray:
    view_seeds = tf.fill([len(images)], tf.constant(view_seed(7, number), tf.int64))
    return augment(tf.constant(images), seeds_of(images), view_seeds, config).numpy()


def view_of_alike(image: np.ndarray, config: AugmentConfig) -> np.ndarray:
    """Views of one image as if it were many examples: seeds 0, 1, 2, ... in place of hashes."""
    images = tf.constant(np.tile(image, (NUM, 1, 1, 1)))
    return augment(images, tf.range(NUM, dtype=tf.int64), tf.zeros([NUM], tf.int64), config).numpy()


def test_an_example_looks_the_same_in_every_batch_and_order() -> None:
    images = noise(300)
    whole = view(images, ALL)
    assert (whole != images).any(axis=(1, 2, 3)).all()
    order = np.random.default_rng(1).permutation(300)
    assert (view(images[order], ALL) == whole[order]).all()
    for part in (slice(0, 1), slice(5, 22), slice(297, 300)):
        assert (view(images[part], ALL) == whole[part]).all()
    compiled = tf.function(augment, reduce_retracing=True)
    view_seeds = tf.fill([300], tf.constant(view_seed(7, 0), tf.int64))
    assert (compiled(images, seeds_of(images), view_seeds, ALL).numpy() == whole).all()


def test_views_are_fixed_for_ever() -> None:
    # Logits that were stored long ago are those of these very pixels.
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(1, 4, 4, 3) * 5
    assert seeds_of(image).numpy().tolist() == [3143829935023631269]
    assert (view_seed(7, 0), view_seed(7, 1)) == (375376303482721206, 753973331846369599)
    assert view(image, ALL)[0, :, :, 0].tolist() == [
        [0, 7, 0, 0],
        [0, 75, 58, 41],
        [0, 144, 127, 110],
        [0, 213, 196, 178],
    ]
    assert view(image, ALL, 1)[0, :, :, 1].tolist() == [
        [86, 104, 121, 139],
        [157, 175, 192, 210],
        [228, 245, 255, 255],
        [0, 0, 0, 0],
    ]


def test_views_and_examples_differ() -> None:
    images = noise(50)
    assert (view(images, ALL, 0) != view(images, ALL, 1)).any(axis=(1, 2, 3)).all()
    bright = AugmentConfig(brightness=0.5)
    assert (view(images, bright, 0) != view(images, bright, 1)).any(axis=(1, 2, 3)).mean() > 0.9


def test_images_are_mirrored_in_turns() -> None:
    images = noise(NUM)
    views = np.stack([view(images, AugmentConfig(flip=True), number) for number in range(4)])
    is_mirrored = (views != images).any(axis=(2, 3, 4))
    # A random half, then the others.
    assert 0.46 < is_mirrored[0].mean() < 0.54
    assert (is_mirrored[0] != is_mirrored[1]).all()
    assert (is_mirrored[0] == is_mirrored[2]).all()
    assert (is_mirrored[1] == is_mirrored[3]).all()


def test_no_option_changes_nothing() -> None:
    images = noise(4)
    assert (view(images, AugmentConfig()) == images).all()
    assert (view(images, AugmentConfig(mixup_alpha=0.2)) == images).all()


def test_half_of_the_images_are_mirrored() -> None:
    images = noise(NUM)
    seen = view(images, AugmentConfig(flip=True))
    mirrored = (seen == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((seen == images).all(axis=(1, 2, 3)) ^ mirrored).all()
    assert 0.46 < mirrored.mean() < 0.54


def test_shifts_are_whole_pixels_with_black_behind_and_all_as_likely() -> None:
    images = np.maximum(noise(NUM), 1)
    seen = view(images, AugmentConfig(shift_ratio=0.25))
    counts: dict[tuple[int, int], int] = {}
    for before, after in zip(images, seen, strict=True):
        bordered = np.pad(before, ((2, 2), (3, 3), (0, 0)))
        found = [
            (rows, columns)
            for rows in range(5)
            for columns in range(7)
            if (bordered[rows : rows + 8, columns : columns + 12] == after).all()
        ]
        assert len(found) == 1
        counts[found[0]] = counts.get(found[0], 0) + 1
    assert len(counts) == 35
    # 57 expected, with a standard deviation of 7.5.
    assert min(counts.values()) > 25
    assert max(counts.values()) < 95


def test_a_shift_ratio_is_a_limit() -> None:
    black = view_of_alike(np.full((10, 100, 1), 255, np.uint8), AugmentConfig(shift_ratio=0.29)) == 0
    assert black.all(axis=(2, 3)).sum(axis=1).max() == 2
    assert black.all(axis=(1, 3)).sum(axis=1).max() == 29


def test_brightness_moves_all_pixels_alike() -> None:
    images = np.full((NUM, 2, 2, 3), 128, np.uint8)
    images[:, 0, 0, 0] = np.arange(NUM) % 256
    seen = view(images, AugmentConfig(brightness=0.2)).astype(int)
    change = seen[:, 1, 1, 1] - 128
    assert (seen[:, 1] - 128 == change[:, None, None]).all()
    assert (seen[:, 0, 0, 0] == np.clip(np.arange(NUM) % 256 + change, 0, 255)).all()
    assert change.min() in (-51, -50)
    assert change.max() in (50, 51)
    assert abs(change.mean()) < 2.5


def test_contrast_scales_the_distance_to_the_mean() -> None:
    image = np.tile(np.array([[100], [140]], np.uint8), (4, 4, 1))
    seen = view_of_alike(image, AugmentConfig(contrast=0.5)).astype(float)
    assert np.abs(seen.mean(axis=(1, 2, 3)) - 120.0).max() <= 0.5
    factor = (seen[:, 0, 1, 0] - seen[:, 0, 0, 0]) / 40.0
    assert 0.5 <= factor.min() <= 0.525
    assert 1.475 <= factor.max() <= 1.5
    assert abs(factor.mean() - 1.0) < 0.03


def test_saturation_scales_the_distance_to_grey() -> None:
    colour, luma = np.array([150, 110, 90]), np.array([0.299, 0.587, 0.114])
    seen = view_of_alike(np.full((1, 1, 3), colour, np.uint8), AugmentConfig(saturation=0.8))[:, 0, 0].astype(float)
    grey = colour @ luma
    assert np.abs(seen @ luma - grey).max() < 1.0
    factor = (seen[:, 0] - grey) / (colour[0] - grey)
    assert np.abs(seen - (grey + factor[:, None] * (colour - grey))).max() < 1.5
    assert 0.19 < factor.min() < 0.22
    assert 1.78 < factor.max() < 1.81
    assert abs(factor.mean() - 1.0) < 0.04


def test_saturation_of_one_channel_is_nothing() -> None:
    images = noise(20, (8, 8, 1))
    assert (view(images, AugmentConfig(saturation=1.0)) == images).all()
    with_brightness = AugmentConfig(saturation=1.0, brightness=0.5)
    assert (view(images, with_brightness) == view(images, AugmentConfig(brightness=0.5))).all()


def test_decisions_are_independent() -> None:
    image = np.array([60, 110, 185], np.uint8).reshape(1, 3, 1)
    mirrored = view_of_alike(image, AugmentConfig(flip=True))[:, 0, 0, 0] != image[0, 0, 0]
    brightness = view_of_alike(image, AugmentConfig(brightness=0.1))[:, 0, 0, 0].astype(float)
    contrast = np.ptp(view_of_alike(image, AugmentConfig(contrast=0.2))[:, 0, :, 0].astype(float), axis=1)
    dot = np.zeros((9, 9, 1), np.uint8)
    dot[4, 4] = 255
    rows, columns = np.divmod(view_of_alike(dot, AugmentConfig(shift_ratio=0.4)).reshape(NUM, 81).argmax(axis=1), 9)
    correlation = np.corrcoef([mirrored, brightness, contrast, columns, rows])
    # A standard deviation is 0.022.
    assert np.abs(correlation - np.eye(5)).max() < 0.08
