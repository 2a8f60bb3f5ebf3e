"""The trained classifiers that the students learn from."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, Addend, LearningRate, Multiplier, PositiveInt, Uri
from learn2compress.config.training import Precision


class TeacherOutput(StrEnum):
    """What the teacher's last layer returns."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"


class TeacherSignal(StrEnum):
    """When the teacher's logits are computed."""

    CACHED = "cached"
    LIVE = "live"


class StudentViews(StrEnum):
    """What students see where the teacher's logits are stored."""

    STORED = "stored"
    FRESH = "fresh"


class TeacherTraining(StrEnum):
    """Whether the teacher's weights are trained."""

    FIXED = "fixed"
    JOINT = "joint"


@dataclass(frozen=True, config=STRICT)
class InputScaling:
    """How pixels of 0..255 become what the teacher was trained on: `pixel * multiply + add`."""

    multiply: Multiplier = 1.0 / 255.0
    add: Addend = 0.0


@dataclass(frozen=True, config=STRICT)
class TeacherMemberConfig:
    """A further teacher; together they are an ensemble whose probabilities are averaged."""

    uri: Uri
    """A `.keras` file, a `.h5` file or a SavedModel folder, local or any fsspec URL."""
    input_scaling: InputScaling = dataclasses.field(default_factory=InputScaling)
    """This member's own input scaling."""
    output: TeacherOutput | None = None
    """What this member returns. Left out, it is found by looking at the outputs; given, it is held against them."""


@dataclass(frozen=True, config=STRICT)
class TeacherConfig:
    """The trained classifier that the students learn from."""

    uri: Uri
    """A `.keras` file, a `.h5` file or a SavedModel folder, local or any fsspec URL."""
    input_scaling: InputScaling = dataclasses.field(default_factory=InputScaling)
    """The teacher's own input scaling."""
    output: TeacherOutput | None = None
    """What the teacher returns. Left out, it is found by looking at the outputs; given, it is held against them."""
    batch_size: PositiveInt = 256
    """Examples in one forward pass of the teacher."""
    ensemble: tuple[TeacherMemberConfig, ...] = ()
    """Further teachers; the students learn from the mean of all teachers' probabilities."""
    signal: TeacherSignal = TeacherSignal.CACHED
    """`cached`: logits are computed once and stored. `live`: in every step, of what the students see there."""
    cached_views: Annotated[int, Field(ge=1, le=64)] = 4
    """With augmentation and cached logits: fixed augmentations of each example, which the epochs take turns at."""
    student_views: StudentViews = StudentViews.STORED
    """With augmentation and cached logits: students see the very views whose logits are `stored`, or in each epoch a
    `fresh` one beside the mean of the stored views' logits, for which one stored view does."""
    training: TeacherTraining = TeacherTraining.FIXED
    """`fixed`, or `joint`: the teacher learns from the labels beside the students; this makes its signal live."""
    learning_rate: LearningRate = 0.0001
    """Highest learning rate of a jointly trained teacher."""
    precision: Precision = Precision.FLOAT32
    """`bfloat16` computes the convolutions of a fixed teacher in it for the logits that students learn from, where that
    is faster (`training.precision`): a `.keras` or `.h5` file of images. What students are compared with stays in
    float32, and a jointly trained teacher is computed in `training.precision`."""

    @model_validator(mode="after")
    def _check(self) -> TeacherConfig:
        if len(self.ensemble) > 7:
            raise ValueError(f"ensemble: found {len(self.ensemble)} further teachers, accepted are 7 at most")
        if self.training is TeacherTraining.JOINT and self.ensemble:
            raise ValueError("training: found 'joint' with an ensemble, accepted is one teacher, or 'fixed'")
        if self.training is TeacherTraining.JOINT and self.precision is not Precision.FLOAT32:
            raise ValueError(
                f"precision: found {self.precision.value!r} with training 'joint', accepted is 'float32': a teacher "
                "that learns is computed in training.precision"
            )
        return self

    @property
    def is_live(self) -> bool:
        """Returns whether the teacher runs in every training step."""
        return self.signal is TeacherSignal.LIVE or self.training is TeacherTraining.JOINT
