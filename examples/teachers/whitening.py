"""Filters that whiten patches of images: their outputs are uncorrelated and of unit variance.

As a first convolution that is not trained they spare a network a good part of
its epochs (Jordan, arXiv:2404.00498, after Page 2019).
"""

from __future__ import annotations

import numpy as np

# Share of the pixels' mean variance that is added to each direction's own, so that noise is not blown up.
_NOISE_SHARE = 5e-4


def whitening_filters(images: np.ndarray, size: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Computes the filters of a convolution that whitens patches, each with its negative beside it.

    Args:
      images: float32 `[n, height, width, channels]`, scaled as the network takes them.
      size: Height and width of a patch.

    Returns:
      A kernel float32 `[size, size, channels, 2 * size * size * channels]`, whose second half is the first negated,
      and a bias float32 that takes the patches' mean away.
    """
    height, width, channels = images.shape[1] - size + 1, images.shape[2] - size + 1, images.shape[3]
    corners = [(row, column) for row in range(size) for column in range(size)]
    parts = [images[:, row : row + height, column : column + width] for row, column in corners]
    patches = np.stack(parts, 3).reshape(-1, len(corners) * channels).astype(np.float64)
    mean = patches.mean(0)
    covariance = np.cov(patches.T)
    variances, directions = np.linalg.eigh(covariance)
    noise = _NOISE_SHARE * np.trace(covariance) / len(covariance)
    filters = directions / np.sqrt(np.maximum(variances, 0.0) + noise)
    both = np.concatenate([filters, -filters], 1)
    return both.reshape(size, size, channels, -1).astype(np.float32), (-mean @ both).astype(np.float32)
