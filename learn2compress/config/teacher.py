"""The trained classifiers that the students learn from."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.channels import ChannelAddends, ChannelMultipliers, ChannelOrder, check_channels
from learn2compress.config.class_outputs import ClassOutputs
from learn2compress.config.fields import STRICT, LearningRate, PositiveInt, Ratio, Uri
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

    multiply: ChannelMultipliers = 1.0 / 255.0
    """A number, or a list of one for each channel in the order that the teacher takes them."""
    add: ChannelAddends = 0.0
    """As `multiply`."""
    channel_order: ChannelOrder = ChannelOrder.RGB
    """`bgr` turns the channels round before they are scaled: blue is the first."""

    def check_channels(self, num_channels: int, field: str) -> None:
        """Checks that there is a number for each channel, and three channels where their order is turned.

        Args:
          num_channels: Of the examples.
          field: Where this stands in the configuration.

        Raises:
          ConfigError: naming the field below `field`.
        """
        numbers = {f"{field}.multiply": self.multiply, f"{field}.add": self.add}
        check_channels(num_channels, numbers, (f"{field}.channel_order", self.channel_order))


# As many as an image classifier of the largest public label sets has outputs.
_ClassNames = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=100_000)]


def _check_one_order(classes: tuple[str, ...], outputs: ClassOutputs | None) -> None:
    if classes and outputs is not None:
        raise ValueError(
            "outputs: found outputs beside classes, accepted is one of them: both say which output is which"
        )


@dataclass(frozen=True, config=STRICT)
class TeacherMemberConfig:
    """A further teacher; together they are an ensemble whose probabilities are averaged."""

    uri: Uri
    """A `.keras` file, a `.h5` file or a SavedModel folder, local or any fsspec URL."""
    input_scaling: InputScaling = dataclasses.field(default_factory=InputScaling)
    """This member's own input scaling."""
    output: TeacherOutput | None = None
    """What this member returns. Left out, it is found by looking at the outputs; given, it is held against them."""
    classes: _ClassNames = ()
    """Class names in the order of this member's outputs. Left out, they are in the data's order."""
    outputs: ClassOutputs | None = None
    """As `teacher.outputs`."""

    @model_validator(mode="after")
    def _check(self) -> TeacherMemberConfig:
        _check_one_order(self.classes, self.outputs)
        return self


@dataclass(frozen=True, config=STRICT)
class TeacherConfig:
    """The trained classifier that the students learn from."""

    uri: Uri
    """A `.keras` file, a `.h5` file or a SavedModel folder, local or any fsspec URL. A SavedModel can't be trained
    (`training: joint`) and gives no hints from its features."""
    input_scaling: InputScaling = dataclasses.field(default_factory=InputScaling)
    """The teacher's own input scaling."""
    output: TeacherOutput | None = None
    """What the teacher returns. Left out, it is found by looking at the outputs; given, it is held against them."""
    classes: _ClassNames = ()
    """Class names in the order of the teacher's outputs: the data's classes, each once. Left out, they are in the
    data's order. Either way it is held against labelled training examples before anything is trained."""
    min_accuracy: Ratio | None = None
    """Lowest top-1 accuracy of each teacher on a sample of labelled training examples, equally many of each class where
    there are, as a ratio: less stops the run before anything is trained. Left out, it must be better than guessing."""
    accept_poor: bool = False
    """Go on with a teacher that is no better than guessing on labelled training examples, below `min_accuracy`, or
    right on more of them under another input scaling or order of classes. What was found is still said."""
    outputs: ClassOutputs | None = None
    """Of a teacher of more classes than the data, the number of the output (from 0) that is each class of the data:
    `{class: number}`, or a list of numbers in the order of the data's classes."""
    batch_size: PositiveInt = 256
    """Examples in one forward pass of the teacher."""
    ensemble: tuple[TeacherMemberConfig, ...] = ()
    """Further teachers; the students learn from the mean of all teachers' probabilities, and are measured against one
    file that computes the same."""
    signal: TeacherSignal = TeacherSignal.CACHED
    """`cached`: logits are computed once and stored. `live`: in every step, of what the students see there."""
    cached_views: Annotated[int, Field(ge=1, le=64)] = 4
    """With augmentation and cached logits: fixed augmentations of each example, numbered from 0, which the epochs take
    turns at, each example from a view of its own on."""
    student_views: StudentViews = StudentViews.STORED
    """With augmentation and cached logits: students see the very views whose logits are `stored`, or in each epoch a
    `fresh` one beside the mean of the stored views' logits, for which one stored view does."""
    training: TeacherTraining = TeacherTraining.FIXED
    """`fixed`, or `joint`: the teacher learns from the labels beside the students; this makes its signal live. The
    improved teacher is an artifact (`trained_teacher`), and pruning and quantization continue with it."""
    learning_rate: LearningRate = 0.0001
    """Highest learning rate of a jointly trained teacher."""
    precision: Precision = Precision.FLOAT32
    """`bfloat16` computes the convolutions of a fixed teacher in it for the logits that students learn from, where that
    is faster (`training.precision`): a `.keras` or `.h5` file of images that takes batches, of every member of an
    ensemble. What students are compared with stays in float32, and a jointly trained teacher is computed in
    `training.precision`. The same seed gives the same logits on one kind of machine."""

    @model_validator(mode="after")
    def _check(self) -> TeacherConfig:
        _check_one_order(self.classes, self.outputs)
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
