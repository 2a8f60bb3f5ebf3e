"""`JointDistillTrainer`: trains all students of a configuration in one run."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import Student
from components.joint_distill_trainer.executor import Executor
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS, TrainingSettings
from learn2compress.config import StudentConfig


class JointDistillTrainerSpec(ComponentSpec):
    """Examples and the teacher's logits in; one output for each student, named like it."""

    PARAMETERS = {name: ExecutionParameter(type=kind) for name, kind in TRAINING_PARAMETERS.items()} | {
        "students": ExecutionParameter(type=str)
    }
    INPUTS = TRAINING_INPUTS
    OUTPUTS: dict[str, ChannelParameter] = {}


def spec_for(names: Sequence[str]) -> type[JointDistillTrainerSpec]:
    """The spec of a trainer of these students."""
    outputs = {name: ChannelParameter(type=Student) for name in names}
    return type("JointDistillTrainerSpec", (JointDistillTrainerSpec,), {"OUTPUTS": outputs})


class JointDistillTrainer(base_component.BaseComponent):
    """Trains students that share parameters from the teacher's signal, and cuts each out as a model of its own."""

    SPEC_CLASS = JointDistillTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        students: Sequence[StudentConfig],
        settings: TrainingSettings,
        code_digest: str,
    ):
        names = [student.name for student in students]
        # Name and exit alone: how a student is compressed later must not retrain it.
        exits = [{"name": student.name, "stage": student.stage} for student in students]
        spec = spec_for(names)(
            examples=examples,
            teacher_logits=teacher_logits,
            **{name: channel.Channel(type=Student) for name in names},
            students=json.dumps(exits),
            **settings.exec_properties(code_digest),
        )
        super().__init__(spec=spec)
