"""`JointDistillTrainer`: trains all students of a configuration in one run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import TRAINED_TEACHER_OUTPUT, TRAINING_LOGS_OUTPUT, Student, Teacher, TrainingLogs
from components.component_spec import extend_spec, fill_spec
from components.joint_distill_trainer.executor import Executor
from components.parameters import parameters_of
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import StudentConfig
from learn2compress.config.parsing import to_dict
from learn2compress.steps.training_inputs import TrainingSettings


class JointDistillTrainerSpec(ComponentSpec):
    """Examples and the teacher in; one output for each student, named like it, and the training's curves."""

    PARAMETERS = parameters_of(**TRAINING_PARAMETERS, students=str, pretrained_sha256=str)
    INPUTS = TRAINING_INPUTS
    OUTPUTS: dict[str, ChannelParameter] = {}


class JointDistillTrainer(base_component.BaseComponent):
    """Trains students that share parameters from the teacher's signal, and cuts each out as a model of its own.

    Args:
      examples: From `Ingest`.
      teacher: From `TeacherLoad`.
      teacher_logits: From `TeacherLoad`; empty where the teacher is live.
      students: Each gets an output of its name.
      settings: What every training of the run is told.
      pretrained_sha256: Digest of the model whose layers become the trunk; empty where there is none.
      code_digest: Digest of the code that the step runs.
    """

    SPEC_CLASS = JointDistillTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        students: Sequence[StudentConfig],
        settings: TrainingSettings,
        pretrained_sha256: str,
        code_digest: str,
    ):
        # How a student is compressed later must not retrain it.
        arguments = locals() | {
            "students": json.dumps(
                [to_dict(dataclasses.replace(student, prune={}, quantize={})) for student in students]
            )
        }
        spec_class = extend_spec(JointDistillTrainerSpec, outputs=_outputs(students, settings))
        super().__init__(spec=fill_spec(spec_class, arguments))


def _outputs(students: Sequence[StudentConfig], settings: TrainingSettings) -> dict[str, type]:
    outputs: dict[str, type] = {student.name: Student for student in students}
    outputs[TRAINING_LOGS_OUTPUT] = TrainingLogs
    if settings.teacher_use.learning_rate is not None:
        outputs[TRAINED_TEACHER_OUTPUT] = Teacher
    return outputs
