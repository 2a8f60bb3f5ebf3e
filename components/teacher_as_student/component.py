"""`TeacherAsStudent`: hands the teacher's own network on as a student, to be pruned and quantized like the others."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Student
from components.component_spec import fill_spec
from components.parameters import parameters_of
from components.teacher_as_student.executor import Executor
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import TeacherMemberConfig
from learn2compress.steps.training_inputs import TrainingSettings


class TeacherAsStudentSpec(ComponentSpec):
    """Examples and the teacher in; its network with a student's input and output out."""

    PARAMETERS = parameters_of(TeacherMemberConfig, student_name=str, teacher_sha256=str, **TRAINING_PARAMETERS)
    INPUTS = TRAINING_INPUTS
    OUTPUTS = {"student": ChannelParameter(type=Student)}


class TeacherAsStudent(base_component.BaseComponent):
    """Copies the network that `TeacherLoad` has checked, and measures it; nothing is trained.

    Args:
      examples: From `Ingest`, to measure with.
      teacher: From `TeacherLoad`: the student comes from it in lineage.
      teacher_logits: From `TeacherLoad`.
      member: Where the teacher is, and how it is read.
      teacher_sha256: Hash of it: a change makes the step run again.
      student_name: Name of the student.
      settings: What every training of the run is told.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = TeacherAsStudentSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        member: TeacherMemberConfig,
        teacher_sha256: str,
        student_name: str,
        settings: TrainingSettings,
        code_digest: str,
    ):
        super().__init__(spec=fill_spec(TeacherAsStudentSpec, locals()))
