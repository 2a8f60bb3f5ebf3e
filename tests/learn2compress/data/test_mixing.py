"""Mixing: neighbours by a share of each example, and targets by the same share."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import AugmentConfig
from learn2compress.data.mixing import mix

NUM = 2000
ONE_HOT = np.eye(10, dtype=np.float32)[np.arange(NUM) % 10]


def noise(count: int, shape: tuple[int, int, int] = (8, 12, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)


def mixed(images: np.ndarray, config: AugmentConfig, batch_seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    new_images, targets = mix(tf.constant(images), tf.constant(ONE_HOT[: len(images)]), batch_seed, config)
    assert new_images.dtype == tf.uint8
    return new_images.numpy(), targets.numpy()


def share_of(targets: np.ndarray) -> np.ndarray:
    return targets[np.arange(len(targets)), np.arange(len(targets)) % 10]


def test_mixup_blends_neighbours_by_a_share_of_each() -> None:
    images = noise(NUM, (2, 2, 3))
    seen, targets = mixed(images, AugmentConfig(mixup_alpha=1.0))
    share = share_of(targets)
    expected = share[:, None, None, None] * images + (1 - share)[:, None, None, None] * np.roll(images, 1, axis=0)
    assert np.abs(seen - expected).max() <= 0.501
    assert np.abs(targets.sum(axis=1) - 1.0).max() < 1e-6
    assert np.abs(targets[np.arange(NUM), (np.arange(NUM) - 1) % 10] - (1 - share)).max() < 1e-6
    # Beta(1, 1) is uniform.
    assert np.abs(np.quantile(share, [0.1, 0.25, 0.5, 0.75, 0.9]) - [0.1, 0.25, 0.5, 0.75, 0.9]).max() < 0.04


@pytest.mark.parametrize("alpha", [0.001, 0.2, 5.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    _, targets = mixed(noise(NUM, (1, 1, 1)), AugmentConfig(mixup_alpha=alpha))
    share = share_of(targets)
    assert abs(share.mean() - 0.5) < 0.04
    assert abs(share.var() / (1 / (4 * (2 * alpha + 1))) - 1.0) < 0.12


def test_cutmix_pastes_rectangles_and_counts_what_it_pasted() -> None:
    images = np.tile((np.arange(NUM) % 250 + 1).astype(np.uint8)[:, None, None, None], (1, 10, 12, 3))
    seen, targets = mixed(images, AugmentConfig(cutmix_alpha=1.0))
    pasted = seen[..., 0] != images[..., 0]
    assert (seen == np.where(pasted[..., None], np.roll(images, 1, axis=0), images)).all()
    # A rectangle: the rows and the columns that have any of it make it up.
    assert (pasted == pasted.any(axis=2)[:, :, None] & pasted.any(axis=1)[:, None, :]).all()
    for rows in pasted.any(axis=2):
        assert np.abs(np.diff(rows.astype(int))).sum() <= 2
    assert np.abs(share_of(targets) - (1 - pasted.mean(axis=(1, 2)))).max() < 1e-6
    assert np.abs(targets.sum(axis=1) - 1.0).max() < 1e-6
    assert 0.2 < pasted.mean() < 0.5
    assert 0.3 < pasted[:, 0, 0].mean() / pasted[:, 5, 6].mean() < 0.8


@pytest.mark.parametrize("config", [AugmentConfig(mixup_alpha=0.5), AugmentConfig(cutmix_alpha=0.5)])
def test_a_batch_seed_decides_the_mixture(config: AugmentConfig) -> None:
    images = noise(64)
    first, again, other = (mixed(images, config, seed)[0] for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_an_unlabelled_neighbour_gives_its_share_of_nothing() -> None:
    targets = np.zeros((2, 10), np.float32)
    targets[0, 4] = 1.0
    images = noise(2)
    _, seen = mix(tf.constant(images), tf.constant(targets), 1, AugmentConfig(mixup_alpha=1.0))
    assert ((seen.numpy() > 0) == np.array([[column == 4 for column in range(10)]] * 2)).all()
    assert (seen.numpy() < 1).all()
