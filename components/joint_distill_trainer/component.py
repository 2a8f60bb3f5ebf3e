"""`JointDistillTrainer`: trains all students of a configuration in one run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import TRAINED_TEACHER_OUTPUT, TRAINING_LOGS_OUTPUT, Student, Teacher, TrainingLogs
from components.joint_distill_trainer.executor import Executor
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS, TrainingSettings
from learn2compress.config import StudentConfig
from learn2compress.config.parsing import to_dict


class JointDistillTrainerSpec(ComponentSpec):
    """Examples and the teacher in; one output for each student, named like it, and the training's curves."""

    PARAMETERS = {name: ExecutionParameter(type=kind) for name, kind in TRAINING_PARAMETERS.items()} | {
        "students": ExecutionParameter(type=str),
        "pretrained_sha256": ExecutionParameter(type=str),
    }
    INPUTS = TRAINING_INPUTS
    OUTPUTS: dict[str, ChannelParameter] = {}


def spec_for(names: Sequence[str], *, trains_teacher: bool) -> type[JointDistillTrainerSpec]:
    """Returns the spec of a trainer of these students.

    Args:
      names: Of the students, each an output.
      trains_teacher: Whether the teacher is optimised with them, and is an output, too.
    """
    outputs = {name: ChannelParameter(type=kind) for name, kind in _outputs(names, trains_teacher).items()}
    return type("JointDistillTrainerSpec", (JointDistillTrainerSpec,), {"OUTPUTS": outputs})


class JointDistillTrainer(base_component.BaseComponent):
    """Trains students that share parameters from the teacher's signal, and cuts each out as a model of its own.

    Args:
      pretrained_sha256: Digest of the model whose layers become the trunk; empty where there is none.
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
        names = [student.name for student in students]
        trains_teacher = settings.teacher_use.learning_rate is not None
        # How a student is compressed later must not retrain it.
        trained = [to_dict(dataclasses.replace(student, prune={}, quantize={})) for student in students]
        spec = spec_for(names, trains_teacher=trains_teacher)(
            examples=examples,
            teacher=teacher,
            teacher_logits=teacher_logits,
            **{name: channel.Channel(type=kind) for name, kind in _outputs(names, trains_teacher).items()},
            students=json.dumps(trained),
            pretrained_sha256=pretrained_sha256,
            **settings.exec_properties(code_digest),
        )
        super().__init__(spec=spec)


def _outputs(names: Sequence[str], trains_teacher: bool) -> dict[str, type]:
    outputs: dict[str, type] = dict.fromkeys(names, Student)
    outputs[TRAINING_LOGS_OUTPUT] = TrainingLogs
    if trains_teacher:
        outputs[TRAINED_TEACHER_OUTPUT] = Teacher
    return outputs
