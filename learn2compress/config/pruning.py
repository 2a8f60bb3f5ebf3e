"""How a trained student is pruned; `learn2compress.pruning` does it."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, LearningRate


class PruneMethod(StrEnum):
    """What is pruned together."""

    MAGNITUDE = "magnitude"
    BLOCK = "block"
    N_OF_M = "n_of_m"
    CHANNELS = "channels"


# Methods by which each layer can have a sparsity ratio of its own.
METHODS_BY_LAYER = (PruneMethod.MAGNITUDE, PruneMethod.BLOCK)


class PruneScope(StrEnum):
    """Among which weights the smallest are found."""

    LAYER = "layer"
    GLOBAL = "global"


class ChannelImportance(StrEnum):
    """How the importance of a channel is measured."""

    WEIGHT_NORM = "weight_norm"
    BATCH_NORM_SCALE = "batch_norm_scale"
    TAYLOR = "taylor"


BlockSize = Annotated[int, Field(ge=1, le=64)]
SparsityRatio = Annotated[float, Field(ge=0.0, lt=1.0)]


@dataclass(frozen=True, config=STRICT)
class PruneConfig:
    """Pruning with distilled fine-tuning: zeros along a cubic schedule (arXiv:1710.01878), or fewer channels."""

    method: PruneMethod = PruneMethod.MAGNITUDE
    """What is pruned: single weights (`magnitude`), blocks of them (`block`), some of each group of neighbours
    (`n_of_m`), or whole channels (`channels`). Zeros make the download smaller; fewer channels make inference faster,
    too."""
    sparsity_ratio: SparsityRatio = 0.5
    """Share of the weights that become zero; with `channels`, share of the multiply-accumulate operations that are
    removed, met as nearly as rounding allows. 0 leaves the student as it is."""
    scope: PruneScope = PruneScope.GLOBAL
    """`magnitude` and `block` alone: the same share of each kernel (`layer`), or all kernels compared (`global`) by the
    square of a weight over the sum of the squares in its kernel that are not smaller (LAMP, arXiv:2010.07611), where
    each kernel keeps at least half of what it would keep by itself. Shares are rounded down to whole weights or
    blocks."""
    layer_sparsity_ratios: dict[str, SparsityRatio] = dataclasses.field(default_factory=dict)
    """`magnitude` and `block` alone: ratios of their own for some layers, whatever the scope of the others, by the
    names in `prune.sensitivity`: `{stage1_conv1: 0.2, stage4_conv3: 0.7}`. A name that a student does not have is
    refused before anything is trained. A search accepts none: it finds such ratios by itself
    (`search.back_off_trials`)."""
    block_shape: tuple[BlockSize, BlockSize] = (4, 1)
    """`block` alone: neighbours along a kernel's input and output channels that are pruned together."""
    group_size: Annotated[int, Field(ge=2, le=64)] = 4
    """`n_of_m` alone: of so many neighbours along a kernel's input channels, all but `sparsity_ratio` are kept. 4 and
    0.5 are 2:4."""
    importance: ChannelImportance = ChannelImportance.TAYLOR
    """`channels` alone: the importance of a channel: the norm of all weights that are removed with it (`weight_norm`,
    after arXiv:2301.12900), the scale of its batch normalization (`batch_norm_scale`, arXiv:1708.06519), or what
    zeroing it does to the loss to first order, over 32 batches (`taylor`, arXiv:1906.10771)."""
    sensitivity: bool = False
    """Also measure, layer by layer (or by group of channels) and without training, the accuracy with 25, 50, 75 and 90%
    of it alone pruned: `sensitivity.json`, an artifact of its own. Accuracy is that on the training examples that were
    kept back (`training.validation_ratio`); where fewer than 50 labelled ones were, on the first 2,000 training
    examples, which the student has learned (`num_examples` and `num_kept_back` say which). A search accepts none."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 6
    """Epochs of pruning and fine-tuning together."""
    ramp_ratio: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Share of the steps over which sparsity rises; the rest is fine-tuning. Channels are removed before the first."""
    learning_rate: LearningRate = 0.001
    """Highest learning rate; it falls along a cosine."""
    min_layer_weights: Annotated[int, Field(ge=1)] = 256
    """Kernels with fewer weights than this are not pruned, nor are depthwise ones: they cost nothing and hurt first. A
    student that has no others stays as it is, which the console says before anything is trained."""

    @model_validator(mode="after")
    def _check(self) -> PruneConfig:
        zeros = self.sparsity_ratio * self.group_size
        if self.method is PruneMethod.N_OF_M and abs(zeros - round(zeros)) > 1e-6:
            raise ValueError(
                f"sparsity_ratio: found {self.sparsity_ratio} with method 'n_of_m', accepted are whole weights of each "
                f"group of {self.group_size}: multiples of {1 / self.group_size:g}"
            )
        if self.layer_sparsity_ratios and self.method not in METHODS_BY_LAYER:
            raise ValueError(
                f"layer_sparsity_ratios: found it with method {self.method.value!r}, accepted is "
                f"{' or '.join(method.value for method in METHODS_BY_LAYER)}"
            )
        return self

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing is pruned, since all ratios are 0."""
        return not any((self.sparsity_ratio, *self.layer_sparsity_ratios.values()))

    @property
    def kept_of_group(self) -> int:
        """Weights of each group that `n_of_m` keeps, 1..`group_size`."""
        return self.group_size - round(self.sparsity_ratio * self.group_size)
