"""One jointly trained network of many sub-networks, from which students are picked after its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.data import TaskKind
from learn2compress.config.fields import STRICT, Ratio
from learn2compress.config.students import StageConfig, StudentConfig
from learn2compress.config.teacher import TeacherTraining

if TYPE_CHECKING:
    from learn2compress.config.compression import CompressionConfig

# Each combination of a width and a size has a compiled step, and statistics, of its own.
_MOST_WIDTHS, _MOST_SIZES = 16, 8


@dataclass(frozen=True, config=STRICT)
class FamilyConfig:
    """Widths, depths and input sizes of the sub-networks of one network; each is a student that a budget may pick."""

    widths: tuple[Annotated[float, Field(ge=0.05, le=1.0)], ...] = (0.5, 0.625, 0.75, 0.875, 1.0)
    """Multiples of the channels of `training.stages`; 1 is the widest, whose kernels the narrower ones use in part."""
    input_sizes: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = ()
    """Heights in pixels that images are resized to inside the network, their proportions kept; left out, only the
    input's own. The largest is that of the sub-networks that see whole batches."""
    blocks: bool = True
    """A sub-network may end behind every block of a stage, not only behind the stage."""
    joins_after_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.25
    """Share of the epochs in which the widest is trained alone. Then its channels are put in the order of their
    importance, so that the narrower ones, which join, have the most important."""
    widest_share: Ratio = 0.5
    """Share of the teacher's part in which the narrower ones follow the widest's deepest exit (in-place distillation,
    arXiv:2003.11142) instead of the teacher."""

    @field_validator("widths")
    @classmethod
    def _check_widths(cls, widths: tuple[float, ...]) -> tuple[float, ...]:
        if 1.0 not in widths or len(set(widths)) != len(widths) or len(widths) > _MOST_WIDTHS:
            raise ValueError(
                f"found {list(widths)}, accepted are 1.0, which is trained on whole batches, and up to "
                f"{_MOST_WIDTHS - 1} smaller ones, each once"
            )
        return tuple(sorted(widths))

    @field_validator("input_sizes")
    @classmethod
    def _check_sizes(cls, input_sizes: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(input_sizes)) != len(input_sizes) or len(input_sizes) > _MOST_SIZES:
            raise ValueError(f"found {list(input_sizes)}, accepted are up to {_MOST_SIZES} heights, each once")
        return tuple(sorted(input_sizes))

    def num_exits(self, stages: tuple[StageConfig, ...]) -> int:
        """Returns behind how many blocks or stages a sub-network may end.

        Args:
          stages: Of the widest.
        """
        return sum(stage.blocks for stage in stages) if self.blocks else len(stages)

    def num_sub_networks(self, stages: tuple[StageConfig, ...]) -> int:
        """Returns how many students can be picked: widths times exits times input sizes.

        Args:
          stages: Of the widest.
        """
        return len(self.widths) * self.num_exits(stages) * max(1, len(self.input_sizes))


def check_family(config: CompressionConfig, family: FamilyConfig) -> None:
    """Refuses what no family can be trained with, and students that can't be picked from one.

    Args:
      config: A whole configuration.
      family: Its `search.family`.

    Raises:
      ValueError: naming the field, what was found and what is accepted.
    """
    training, field = config.training, "search.family"
    if not config.picked_students:
        raise ValueError(
            f"{field}: found it beside students of network 'teacher' alone, accepted is a student that is picked from "
            "it, or no family"
        )
    if config.task.kind is not TaskKind.IMAGE and family.input_sizes:
        raise ValueError(f"{field}.input_sizes: found {list(family.input_sizes)} for a text task, accepted are none")
    if config.task.kind is TaskKind.IMAGE and max(family.input_sizes, default=0) > config.task.input_shape[0]:
        raise ValueError(
            f"{field}.input_sizes: found {max(family.input_sizes)}, accepted are heights up to "
            f"{config.task.input_shape[0]}, that of task.input_shape"
        )
    if family.num_sub_networks(training.stages) < 2:
        raise ValueError(
            f"{field}: found one sub-network, accepted are two or more: add to widths, to input_sizes, or to "
            "training.stages"
        )
    if not training.validation_ratio and config.data.validation_uri is None:
        raise ValueError(
            f"training.validation_ratio: found 0 beside {field}, accepted is a validation_ratio above 0, or "
            "data.validation_uri: sub-networks are compared on examples that none was trained on"
        )
    if config.teacher.training is TeacherTraining.JOINT:
        raise ValueError(f"teacher.training: found 'joint' beside {field}, accepted is 'fixed'")
    _check_training(config, field)
    for index, student in enumerate(config.students):
        if not student.is_teacher:
            _check_student(student, f"students.{index}")


def _check_training(config: CompressionConfig, field: str) -> None:
    """Refuses keys of the joint training of named students."""
    training = config.training
    refused = {
        "sharing": training.sharing.value if training.sharing.value != "prefix" else None,
        "pretrained": training.pretrained and training.pretrained.uri,
        "early_stopping_epochs": training.early_stopping_epochs,
        "unshared_ratio": training.unshared_ratio,
        "distillation.hint_weight": training.distillation.hint_weight,
    }
    for name, found in refused.items():
        if found:
            raise ValueError(
                f"training.{name}: found {found!r} beside {field}, accepted is none: its sub-networks share kernels "
                "by depth and width, and train to the end"
            )


def _check_student(student: StudentConfig, field: str) -> None:
    for name, found, default in (
        ("stage", student.stage, None),
        ("width", student.width, 1.0),
        ("loss_weight", student.loss_weight, 1.0),
        ("joins_after_ratio", student.joins_after_ratio, 0.0),
    ):
        if found != default:
            raise ValueError(
                f"{field}.{name}: found {found} beside search.family, accepted is a budget: the student is the most "
                "accurate sub-network within it"
            )
