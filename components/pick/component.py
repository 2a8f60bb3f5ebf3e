"""`Pick`: hands on the sub-network of a family that a student's budget picks."""

from __future__ import annotations

import dataclasses

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Family, Student
from components.component_spec import fill_spec
from components.parameters import parameters_of
from components.pick.executor import Executor
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import FamilyConfig, StudentConfig
from learn2compress.steps.training_inputs import TrainingSettings


class PickSpec(ComponentSpec):
    """A family in; one of its sub-networks out, as a student with weights of its own."""

    PARAMETERS = parameters_of(**TRAINING_PARAMETERS, family_settings=str, student=str)
    INPUTS = {**TRAINING_INPUTS, "family": ChannelParameter(type=Family)}
    OUTPUTS = {"picked": ChannelParameter(type=Student)}


class Pick(base_component.BaseComponent):
    """Picks the most accurate sub-network within one student's budget; nothing is trained.

    Args:
      examples: From `Ingest`, to measure with.
      teacher: From `TeacherLoad`.
      teacher_logits: From `TeacherLoad`.
      family: From `FamilyTrainer`.
      family_settings: What the family was trained as.
      student: Name and budget.
      settings: What every training of the run is told.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = PickSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        family: channel.BaseChannel,
        family_settings: FamilyConfig,
        student: StudentConfig,
        settings: TrainingSettings,
        code_digest: str,
    ):
        # How a student is compressed later must not pick it anew.
        arguments = locals() | {"student": dataclasses.replace(student, prune={}, quantize={})}
        super().__init__(spec=fill_spec(PickSpec, arguments))
