"""Which whitened networks there are, and the numbers that each is trained by.

Those of the first three are Keller Jordan's (arXiv:2404.00498, and the later
`airbench95.py` and `airbench96.py` of his cifar10-airbench). The ResNet-18 is
trained by the numbers of the largest of them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum


class Block(StrEnum):
    """What a network is made of."""

    POOLED = "pooled"
    """A convolution, pooling by two, then further convolutions."""
    POOLED_RESIDUAL = "pooled_residual"
    """The same with two further convolutions and a shortcut around them."""
    BASIC = "basic"
    """ResNet-18's two blocks of two convolutions, the first of which strides (arXiv:1512.03385)."""


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
      block: What the network is made of.
      widths: Channels of each resolution.
      epochs: Passes over the training split.
      learning_rate: Highest, per 1024 examples, of SGD whose steps are as long as its gradients.
      weight_decay: Share of a weight that is taken away per 1024 examples at that rate.
      warmup_ratio: Share of the steps in which the learning rate rises, from a fifth.
      final_ratio: Share of the highest that it falls to in the last step.
      normalization_momentum: Of the moving statistics, per 1024 examples.
      shift_pixels: Farthest that an image is shifted, each way.
      cutout_pixels: Side of a square that is painted over; 0 for none.
      batch_size: Examples in a step.
      momentum: Nesterov's.
      bias_rate: Times the learning rate, for normalization biases.
      label_smoothing: Share of a target that is spread over all classes.
      whitening_bias_epochs: First epochs, in which the bias of the whitening convolution is trained.
      sizes: Heights that images are shrunk to in the first epochs, each for as many as full images are then taken for.
      flip: Mirror images.
    """

    block: Block
    widths: tuple[int, ...]
    epochs: int
    learning_rate: float
    weight_decay: float
    warmup_ratio: float
    final_ratio: float
    normalization_momentum: float
    shift_pixels: int
    cutout_pixels: int = 0
    batch_size: int = 512
    momentum: float = 0.85
    bias_rate: float = 64.0
    label_smoothing: float = 0.2
    whitening_bias_epochs: int = 3
    sizes: tuple[int, ...] = ()
    flip: bool = False

    @property
    def batch_normalization_momentum(self) -> float:
        """Returns the momentum of moving statistics per batch."""
        return float(self.normalization_momentum ** (self.batch_size / 1024))


_AIRBENCH_94 = Recipe(
    block=Block.POOLED,
    widths=(64, 256, 256),
    epochs=34,
    learning_rate=11.5,
    weight_decay=0.0153,
    warmup_ratio=0.23,
    final_ratio=0.07,
    normalization_momentum=0.6,
    shift_pixels=3,
)
_AIRBENCH_96 = Recipe(
    block=Block.POOLED_RESIDUAL,
    widths=(128, 512, 512),
    epochs=31,
    learning_rate=9.0,
    weight_decay=0.012,
    warmup_ratio=0.1,
    final_ratio=0.0,
    normalization_momentum=0.9,
    shift_pixels=4,
    cutout_pixels=12,
)
RECIPES = {
    "airbench94": _AIRBENCH_94,
    "airbench95": dataclasses.replace(_AIRBENCH_94, widths=(128, 384, 384), epochs=28, learning_rate=10.0),
    "airbench96": _AIRBENCH_96,
    "resnet18": dataclasses.replace(_AIRBENCH_96, block=Block.BASIC, widths=(64, 128, 256, 512), epochs=40),
}
