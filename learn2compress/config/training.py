"""Joint training of all students in one run."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.data import TaskKind
from learn2compress.config.fields import STRICT, LearningRate, Name, PositiveInt
from learn2compress.config.ratios import count_at_ratio
from learn2compress.config.students import PretrainedConfig, StageConfig

MAX_VALIDATION_EXAMPLES = 1000
DEFAULT_VALIDATION_RATIO = 0.05
MIN_VALIDATION_EXAMPLES = 50
"""Fewer say too little about how often a score is right."""
FEW_EXAMPLES = 5000
"""With fewer training examples than this, a default step has fewer of them."""
_BATCH_SIZE, _BATCH_SIZE_OF_FEW = 64, 32
ARCHITECTURE_ENTRY_POINTS = "learn2compress.architectures"
OWN_ARCHITECTURES = {
    TaskKind.IMAGE: ("residual", "resnet", "mobilenet", "nasnet"),
    TaskKind.TEXT: ("projection", "embedding"),
}
"""This package's own, of which is known without importing them what they are for."""
_DEFAULT_ARCHITECTURES = {TaskKind.IMAGE: "residual", TaskKind.TEXT: "projection"}


class Sharing(StrEnum):
    """How the students of one run share parameters; see `learn2compress.students.sharing`."""

    PREFIX = "prefix"
    WIDTH = "width"
    HYBRID = "hybrid"


class Precision(StrEnum):
    """What training computes in; see `learn2compress.precision.bfloat16`."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Optimizer(StrEnum):
    """What moves the weights in the joint training; see `learn2compress.training.adamw` and `.sgd`."""

    ADAMW = "adamw"
    SGD = "sgd"


_LEARNING_RATES = {Optimizer.ADAMW: 0.003, Optimizer.SGD: 0.2}


class DistillationLoss(StrEnum):
    """How a student follows the teacher; see `learn2compress.training.losses`."""

    STANDARDIZED_LOGITS = "standardized_logits"
    TEMPERATURE = "temperature"
    DECOUPLED = "decoupled"


Weight = Annotated[float, Field(ge=0.0, le=1000.0)]


@dataclass(frozen=True, config=STRICT)
class DistillationConfig:
    """What a student learns from: labels, teacher, and the largest student."""

    loss: DistillationLoss = DistillationLoss.STANDARDIZED_LOGITS
    """`standardized_logits` (arXiv:2403.01427), `temperature` (arXiv:1503.02531) or `decoupled` (arXiv:2203.08679)."""
    temperature: Annotated[float, Field(gt=0.0, le=100.0)] = 2.0
    """Softens both distributions."""
    weight: Weight = 9.0
    """Weight of the teacher's loss; 0 trains without it."""
    label_weight: Weight = 1.0
    """Weight of the cross entropy with the labels."""
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the label's probability spread over all classes (arXiv:1512.00567)."""
    non_target_weight: Weight = 8.0
    """`decoupled` alone: weight of the non-target classes' part (beta in the paper; alpha is 1)."""
    largest_weight: Weight = 0.0
    """In-place distillation (arXiv:1903.05134): weight of the largest student's signal to the smaller ones, beside the
    teacher's."""
    exits_weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of the teacher's part in which the target is the mean of the logits of all students that take part in the
    step (exit ensemble, arXiv:2104.00299). In the joint training alone: a student that is trained by itself would
    follow itself."""
    hint_weight: Weight = 0.0
    """Weight of feature hints: a student's last features are pulled towards the teacher's through a learned projection,
    which does not ship (FitNets, arXiv:1412.6550); needs a live teacher."""
    hint_layer: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The teacher's layer that gives the hints; left out, it is what its last layer with weights takes."""

    @model_validator(mode="after")
    def _check(self) -> DistillationConfig:
        if self.exits_weight and not self.weight:
            raise ValueError(
                f"exits_weight: found {self.exits_weight} with a weight of 0, accepted is 0, or a weight above 0, "
                "which it is a share of"
            )
        return self

    @property
    def total_weight(self) -> float:
        """Sum of the weights of a student's losses; 1 where all are 0."""
        return self.weight + self.label_weight + self.largest_weight + self.hint_weight or 1.0


@dataclass(frozen=True, config=STRICT)
class AugmentConfig:
    """Random changes of training images, which the teacher and the students see alike."""

    flip: bool = False
    """Mirror a random half of the images left to right in the first epoch (or stored view), the other half in the next,
    and so on in turns (alternating flip, arXiv:2404.00498)."""
    shift_ratio: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Pad with black and crop back, moving the image by up to this share of its height and width."""
    brightness: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Add up to this share of the range of pixels, or take it away."""
    contrast: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Multiply the distance to the image's mean by 1 minus to 1 plus this."""
    saturation: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Multiply the distance to the image's grey by 1 minus to 1 plus this."""
    mixup_alpha: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    """Mix pairs of images by a share from Beta(alpha, alpha) (arXiv:1710.09412); needs a live teacher."""
    cutmix_alpha: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    """Paste a rectangle of another image, its area from Beta(alpha, alpha) (arXiv:1905.04899); needs a live teacher."""

    @model_validator(mode="after")
    def _check(self) -> AugmentConfig:
        if self.mixup_alpha and self.cutmix_alpha:
            raise ValueError("found mixup_alpha and cutmix_alpha, accepted is one of them")
        return self

    @property
    def is_active(self) -> bool:
        """Whether anything changes at all."""
        return self != AugmentConfig()

    @property
    def mixes(self) -> bool:
        """Whether two examples become one, so that logits can't be computed before."""
        return bool(self.mixup_alpha or self.cutmix_alpha)


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """Joint training of all students in one run."""

    architecture: Name | None = None
    """Images: `residual` (left out: this one; 3x3 convolutions, all but a stage's first with a shortcut,
    arXiv:1512.03385), `resnet` (which `l2c init` writes; blocks of two 3x3 convolutions, arXiv:1512.03385), `mobilenet`
    (inverted residuals, arXiv:1801.04381) or `nasnet` (cells of separable convolutions and pooling, after
    arXiv:1707.07012). Text: `projection` (left out: this one; dense layers over projected n-grams, arXiv:1708.00630) or
    `embedding` (a small table of hashed words). Or an installed package's own."""
    sharing: Sharing = Sharing.PREFIX
    """`prefix`: one trunk, students leave it at increasing depth; a step costs about the largest student alone.
    `width`: narrower students use the first channels of the wider ones' kernels (arXiv:1812.08928); a pass for each
    student. `hybrid`: one trunk, then a branch of its own for each student; the shared part once, each branch once."""
    stages: tuple[StageConfig, ...] = (StageConfig(16, 1), StageConfig(32, 1), StageConfig(64, 1))
    """The largest student's stages; width multiplies their channels. Each image stage but the first halves the image,
    unless it says `halve: false`."""
    shared_stages: Annotated[int, Field(ge=1, le=31)] = 1
    """`hybrid` alone: the first stages, which all students share."""
    pretrained: PretrainedConfig | None = None
    """Transfer learning: the trunk is a trained Keras model."""
    epochs: Annotated[int, Field(ge=1, le=10000)] = 30
    """Passes over the training split."""
    batch_size: Annotated[int, Field(ge=16, le=65536)] | None = None
    """Examples in one step; at least 16, or batch statistics are noise. Left out, 64, or 32 where the training split
    has fewer than 5,000 examples, so that few of them still make enough steps. Also used by `prune` and `quantize`."""
    optimizer: Optimizer = Optimizer.ADAMW
    """`adamw` (arXiv:1711.05101), or `sgd`: Nesterov momentum, of losses divided by the sum of their weights, so that
    published learning rates hold. Of the joint training of the students alone: a teacher that learns beside them,
    `prune` and `quantize` have AdamW."""
    learning_rate: LearningRate = Field(default_factory=lambda settings: _LEARNING_RATES[settings["optimizer"]])
    """Highest learning rate: linear warm-up, then a cosine. Left out, 0.003 with `adamw` and 0.2 with `sgd`;
    the recorded configuration has the one that was used."""
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    """`sgd` alone: share of the sum of gradients that a step keeps (Nesterov momentum, Sutskever et al. 2013)."""
    batch_norm_bias_rate: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """Multiplies the joint training's learning rate of batch normalization's biases, with either optimizer (64 in
    arXiv:2404.00498)."""
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of the steps spent warming up."""
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0005
    """Weight decay of kernels: with `adamw` decoupled (arXiv:1711.05101), with `sgd` a part of the gradient."""
    gradient_clip_norm: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    """Longest gradient, all weights together (arXiv:1211.5063); left out, it is not clipped."""
    weight_average_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Decay of a moving average of the weights, which is what leaves the training (arXiv:1806.05594); 0 for none. A
    teacher that learns beside the students is not averaged."""
    unshared_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the epochs, the last ones, in which each student trains on its own copy of what it shared before, as
    sub-networks are fine-tuned after joint training in arXiv:1908.09791; they take the time and the memory of all
    students apart. Learning rate, losses and history continue; the optimizer's moments and the average of
    `weight_average_decay` begin anew."""
    lookahead_steps: PositiveInt | None = None
    """Set the weights, batch statistics among them, to their moving average every so many steps while they train
    (Lookahead, arXiv:1907.08610, with a rising decay as in arXiv:2404.00498); left out, never. Of the joint training of
    the students alone."""
    lookahead_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.77
    """Share of Lookahead's average that is kept at the end; it rises from 0 with the cube of the steps done."""
    early_stopping_epochs: PositiveInt | None = None
    """Stop after so many epochs without a better mean accuracy on the examples of `validation_ratio`, counted from the
    last epoch in which a student joins, a stage is released or sharing ends; each student's best epoch leaves. Needs 50
    of them."""
    precision: Precision = Precision.FLOAT32
    """`bfloat16` computes the convolutions of the joint training and of pruning, and what is between them, in it:
    faster on processors with AMX (`amx_bf16` in `lscpu`) where channels are multiples of 16; measure it elsewhere.
    Weights, batch statistics, losses and optimizer stay in float32, and so does 8-bit training. The same seed gives the
    same weights on one kind of machine."""
    shuffle_buffer: PositiveInt = 20000
    """Examples held in memory to shuffle; smaller bounds memory, larger mixes better."""
    validation_ratio: Annotated[float, Field(ge=0.0, le=0.5)] = DEFAULT_VALIDATION_RATIO
    """Share of the labelled training examples, 1,000 at most, none where it would be fewer than 50, that no student is
    trained on, not in `prune` and `quantize` either: the first in the order of content hash. Early stopping, the choice
    between two files, a search and `prune.sensitivity` decide by them, and scores are fitted to them
    (`quantize.temperature_scaling`). 0 keeps none back, and leaves scores as trained. Beside `data.validation_uri` none
    are kept back: leave it out."""
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)
    """Augmentation of images; also used by `prune` and `quantize`."""
    distillation: DistillationConfig = dataclasses.field(default_factory=DistillationConfig)
    """What the students learn from; also used by `prune` and `quantize`."""

    @field_validator("stages")
    @classmethod
    def _check_stages(cls, stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
        if not 1 <= len(stages) <= 32:
            raise ValueError(f"accepts 1 to 32 stages, found {len(stages)}")
        return stages

    @field_validator("architecture")
    @classmethod
    def _check_architecture(cls, architecture: str | None) -> str | None:
        installed = sorted(importlib.metadata.entry_points(group=ARCHITECTURE_ENTRY_POINTS).names)
        if architecture is not None and architecture not in installed:
            raise ValueError(
                f"found {architecture!r}, accepted are the installed architectures: {', '.join(installed)}"
            )
        return architecture

    @model_validator(mode="after")
    def _check(self) -> TrainingConfig:
        if self.pretrained is not None and self.sharing is not Sharing.PREFIX:
            raise ValueError(f"sharing: found {self.sharing.value!r} with a pretrained trunk, accepted is 'prefix'")
        if self.sharing is Sharing.HYBRID and self.shared_stages >= len(self.stages):
            raise ValueError(
                f"shared_stages: found {self.shared_stages}, accepted is 1 to {len(self.stages) - 1}: "
                "a branch needs a stage of its own"
            )
        if self.unshared_ratio and not count_at_ratio(self.unshared_ratio, self.epochs):
            found = f"{self.unshared_ratio} of {self.epochs} epochs, which is less than one"
            more = "1 epoch in at least 2" if self.epochs == 1 else f"{math.ceil(1000 / self.epochs) / 1000} or more"
            raise ValueError(f"unshared_ratio: found {found}, accepted is 0, or {more}")
        if self.early_stopping_epochs is not None and not self.validation_ratio:
            raise ValueError(
                f"early_stopping_epochs: found {self.early_stopping_epochs} with a validation_ratio of 0, accepted is "
                "a validation_ratio above 0, which keeps back examples to decide by (left out beside "
                "data.validation_uri, whose examples decide), or no early stopping"
            )
        return self

    def architecture_name(self, kind: TaskKind) -> str:
        """Returns the name of the architecture, which is the default of the kind of task where none is given."""
        return self.architecture or _DEFAULT_ARCHITECTURES[kind]

    def batch_size_for(self, num_train: int) -> int:
        """Returns how many examples one step has: as configured, or by how many there are to train on.

        Args:
          num_train: Examples in the training split, those that are kept back among them.
        """
        if self.batch_size is not None:
            return self.batch_size
        return _BATCH_SIZE_OF_FEW if num_train < FEW_EXAMPLES else _BATCH_SIZE

    def why_fewer_a_step(self, num_train: int) -> str | None:
        """Returns why a step has fewer examples than by default, a sentence; `None` where it has not.

        Args:
          num_train: Examples in the training split.
        """
        if self.batch_size is not None or num_train >= FEW_EXAMPLES:
            return None
        return (
            f"{num_train:,} training examples are fewer than {FEW_EXAMPLES:,}: {_BATCH_SIZE_OF_FEW} a step instead of "
            f"{_BATCH_SIZE}; training.batch_size sets another number"
        )

    def num_validation(self, num_train: int, num_unlabelled: int = 0) -> int:
        """Returns how many of the training split's first examples no student is trained on.

        Labelled ones count, as decisions go by them. They are spread evenly by the order of content hashes, so that
        among few of them that many more examples are kept back.

        Args:
          num_train: Examples in the split.
          num_unlabelled: Those of them that nobody labelled.
        """
        num_labelled = num_train - num_unlabelled
        share = min(count_at_ratio(self.validation_ratio, num_labelled), MAX_VALIDATION_EXAMPLES)
        if share < MIN_VALIDATION_EXAMPLES:
            return 0
        return math.ceil(share * num_train / num_labelled)

    @property
    def unshared_from_epoch(self) -> int | None:
        """Returns the 0-based epoch from which students share nothing any more; `None` where they share to the end."""
        return self.epochs - count_at_ratio(self.unshared_ratio, self.epochs) if self.unshared_ratio else None

    @property
    def num_stages(self) -> int:
        """Stages of the deepest student there can be."""
        return len(self.pretrained.exits) if self.pretrained else len(self.stages)
