"""The students: what they are built from, and how large they are."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.channels import ChannelAddends, ChannelMultipliers, ChannelOrder
from learn2compress.config.fields import STRICT, Name, PositiveInt, Ratio, Uri


@dataclass(frozen=True, config=STRICT)
class StageConfig:
    """One stage of the trunk: `blocks` blocks of `channels`; students leave the trunk behind a stage."""

    channels: Annotated[int, Field(ge=1, le=2048)]
    """Channels of each of its blocks; a student's `width` multiplies them."""
    blocks: Annotated[int, Field(ge=1, le=64)] = 1
    """Blocks, one behind the other; what a block is depends on the architecture."""
    halve: bool = True
    """Halve the image; the first stage never does, and text has none. Before the first, the stem of `resnet` halves an
    image of more than 48x48 pixels as often as it takes, but not where its shorter side would fall below 4."""


@dataclass(frozen=True, config=STRICT)
class BudgetConfig:
    """What one student may cost; the project finds the largest width, or the most accurate sub-network, within it. A
    limit left out does not apply."""

    max_model_bytes: PositiveInt | None = None
    """Largest size of the int8 file as stored."""
    max_macs: PositiveInt | None = None
    """Most multiply-accumulate operations of one inference."""
    max_latency_ms: Annotated[float, Field(gt=0.0)] | None = None
    """Longest latency of one example on the machine that trains or picks: processor time of the fastest inference.
    Where a busy machine leaves in doubt whether it is within the budget, it is measured again, and in the end the step
    stops and says so."""

    @model_validator(mode="after")
    def _check(self) -> BudgetConfig:
        if self.max_model_bytes is None and self.max_macs is None and self.max_latency_ms is None:
            raise ValueError("found no limit, accepted is at least one of max_model_bytes, max_macs, max_latency_ms")
        return self


class StudentNetwork(StrEnum):
    """Whose network a student has that is not built for it; see `learn2compress.students.own_network`."""

    TEACHER = "teacher"


# Of a student that is built and trained; the teacher's network is what it is.
_OF_TRAINED = ("stage", "width", "budget", "loss_weight", "joins_after_ratio")


@dataclass(frozen=True, config=STRICT)
class StudentConfig:
    """One student: a name, its depth and width, and where it differs from the common settings."""

    name: Name
    """Name in reports, lineage and file names: a lower-case letter, then letters, digits and underscores."""
    stage: Annotated[int, Field(ge=1, le=32)] | None = None
    """The stage after which this student ends; 1 is the first. Left out, it is the last."""
    width: Annotated[float, Field(ge=0.05, le=8.0)] = 1.0
    """Multiplies the channels of its own stages; with `sharing: prefix` all students have the trunk's."""
    budget: BudgetConfig | None = None
    """Instead of a width: what the student may cost. With `sharing: prefix` one width satisfies every budget; with
    `search.family` it picks the most accurate sub-network."""
    loss_weight: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """Weight of this student's loss in the joint training."""
    joins_after_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the epochs that pass before this student joins the training."""
    network: StudentNetwork | None = None
    """`teacher`: the student is the teacher's own network with its weights, head and all, which `prune` and `quantize`
    make smaller while it learns from the original; the joint training passes it by. Left out, the student is one of
    `training`."""
    prune: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Keys of `prune` that differ for this student."""
    quantize: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Keys of `quantize` that differ for this student."""

    @model_validator(mode="after")
    def _check(self) -> StudentConfig:
        if self.budget is not None and self.width != 1.0:
            raise ValueError(f"width: found {self.width} beside a budget, accepted is one of the two")
        for field in dataclasses.fields(self) if self.is_teacher else ():
            if field.name in _OF_TRAINED and (found := getattr(self, field.name)) != field.default:
                raise ValueError(
                    f"{field.name}: found {found} beside network 'teacher', accepted is none: the student is the "
                    "teacher's network as it is; prune.method 'channels' makes it narrower"
                )
        return self

    @property
    def is_teacher(self) -> bool:
        """Whether the student is the teacher's own network, which the joint training passes by."""
        return self.network is StudentNetwork.TEACHER


@dataclass(frozen=True, config=STRICT)
class PretrainedConfig:
    """A trained Keras image model whose layers become the trunk, in place of `training.stages` and `architecture`."""

    uri: Uri
    """A `.keras` or `.h5` file, local or any fsspec URL."""
    exits: tuple[str, ...]
    """Names of layers, from the first to the last: stage 1 ends after the first of them."""
    input_multiply: ChannelMultipliers = 1.0
    """The model was trained on `x * input_multiply + input_add` of x in 0..1; a number, or a list of one for each
    channel in the order that the model takes them."""
    input_add: ChannelAddends = 0.0
    """See `input_multiply`."""
    input_channel_order: ChannelOrder = ChannelOrder.RGB
    """`bgr` turns the channels round before they are scaled: blue is the first."""
    frozen_epochs_ratio: Ratio = 0.0
    """Share of the epochs in which the trunk is frozen and only the heads are trained."""
    unfreeze_ratio: Ratio = 0.0
    """Share of the epochs over which the trunk's stages are unfrozen after that, from the last to the first."""
    frozen_stages: Annotated[int, Field(ge=0, le=32)] = 0
    """How many of the first stages stay frozen."""

    @model_validator(mode="after")
    def _check(self) -> PretrainedConfig:
        if not 1 <= len(self.exits) <= 32 or len(set(self.exits)) != len(self.exits):
            raise ValueError(f"exits: found {list(self.exits)}, accepted are 1 to 32 different names of layers")
        if self.frozen_epochs_ratio + self.unfreeze_ratio > 1.0:
            raise ValueError(
                f"unfreeze_ratio: found {self.frozen_epochs_ratio} + {self.unfreeze_ratio}, accepted is a "
                "frozen_epochs_ratio and unfreeze_ratio of 1 together"
            )
        return self
