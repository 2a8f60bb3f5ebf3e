"""Common corruptions of images, to see how robust a student is.

Kinds and severities are those of D. Hendrycks and T. Dietterich, "Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations"
(arXiv:1903.12261): of ImageNet-C, and for images of up to 64 pixels of
CIFAR-10-C, whose strengths are milder. Noise derives from the image's content
hash, so that the same image always becomes the same one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learn2compress.config import Corruption

SEVERITIES = (1, 3, 5)

Images = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]

_SMALL_PIXELS = 64
# Strength at each of SEVERITIES: standard deviation of the noise, photons of a white pixel, share of pixels
# replaced, value added, share of the contrast that is left.
_STRENGTHS = {
    Corruption.GAUSSIAN_NOISE: (0.08, 0.18, 0.38),
    Corruption.SHOT_NOISE: (60.0, 12.0, 3.0),
    Corruption.IMPULSE_NOISE: (0.03, 0.09, 0.27),
    Corruption.BRIGHTNESS: (0.1, 0.3, 0.5),
    Corruption.CONTRAST: (0.4, 0.2, 0.05),
}
_STRENGTHS_OF_SMALL_IMAGES = {
    Corruption.GAUSSIAN_NOISE: (0.04, 0.08, 0.10),
    Corruption.SHOT_NOISE: (500.0, 100.0, 50.0),
    Corruption.IMPULSE_NOISE: (0.01, 0.03, 0.07),
    Corruption.BRIGHTNESS: (0.05, 0.15, 0.3),
    Corruption.CONTRAST: (0.75, 0.4, 0.15),
}


def corrupted(images: Images, digests: Sequence[str], corruption: Corruption, severity: int) -> Images:
    """Corrupts images.

    Args:
      images: uint8 `[n, height, width, channels]`, 1 or 3 channels.
      digests: Hex digest of each image's content, which its noise derives from.
      corruption: What to do.
      severity: One of `SEVERITIES`.

    Returns:
      uint8 of the same shape.
    """
    small = max(images.shape[1:3]) <= _SMALL_PIXELS
    strength = (_STRENGTHS_OF_SMALL_IMAGES if small else _STRENGTHS)[corruption][SEVERITIES.index(severity)]
    x: _Floats = images.astype(np.float32) / np.float32(255)
    match corruption:
        case Corruption.BRIGHTNESS:
            result = _brighter(x, strength)
        case Corruption.CONTRAST:
            means = x.mean(axis=(1, 2), keepdims=True)
            result = (x - means) * strength + means
        case _:
            pairs = zip(x, digests, strict=True)
            noisy = [
                _noisy(image, _generator(digest, corruption, severity), corruption, strength) for image, digest in pairs
            ]
            result = np.stack(noisy)
    # Cut off, as the authors' code does when it stores an image.
    return (np.clip(result, 0, 1) * 255).astype(np.uint8)


def _noisy(
    image: _Floats, random: np.random.Generator, corruption: Corruption, strength: float
) -> npt.NDArray[np.floating]:
    if corruption is Corruption.GAUSSIAN_NOISE:
        return image + random.normal(scale=strength, size=image.shape)
    if corruption is Corruption.SHOT_NOISE:
        return random.poisson(image * strength) / strength
    drawn = random.random(image.shape)  # impulse noise: salt and pepper, each channel for itself
    return np.where(drawn < strength / 2, 0.0, np.where(drawn > 1 - strength / 2, 1.0, image))


def _brighter(x: _Floats, added: float) -> _Floats:
    """Raises the V of HSV, the largest channel, which scales the other channels with it; black becomes grey.

    Args:
      x: float32 `[n, height, width, channels]`, 0..1.
      added: To V.

    Returns:
      float32, shaped as `x`, 0..1.
    """
    value = x.max(axis=-1, keepdims=True)
    raised = np.minimum(value + np.float32(added), 1)
    return np.where(value > 0, x * (raised / np.maximum(value, np.float32(1e-6))), raised)


def _generator(digest: str, corruption: Corruption, severity: int) -> np.random.Generator:
    return np.random.default_rng([int(digest[:16], 16), list(Corruption).index(corruption), severity])
