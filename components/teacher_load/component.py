"""`TeacherLoad`: checks the teacher, measures it, and computes its logits once."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Examples, Teacher, TeacherLogits
from components.parameters import exec_properties_of, json_of, parameters_of
from components.teacher_load.executor import Executor
from learn2compress.config import EvaluateConfig, TaskConfig, TeacherConfig


class TeacherLoadSpec(ComponentSpec):
    """Examples in; the measured teacher and its logits for each of them out."""

    PARAMETERS = parameters_of(TeacherConfig, teacher_sha256=str, evaluate=str, task=str, code_digest=str)
    INPUTS = {"examples": ChannelParameter(type=Examples)}
    OUTPUTS = {
        "teacher": ChannelParameter(type=Teacher),
        "teacher_logits": ChannelParameter(type=TeacherLogits),
    }


class TeacherLoad(base_component.BaseComponent):
    """Refuses unsafe or mismatched teachers before they are loaded; the baseline of every comparison."""

    SPEC_CLASS = TeacherLoadSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: TeacherConfig,
        teacher_sha256: str,
        evaluate: EvaluateConfig,
        task: TaskConfig,
        code_digest: str,
    ):
        spec = TeacherLoadSpec(
            examples=examples,
            teacher=channel.Channel(type=Teacher),
            teacher_logits=channel.Channel(type=TeacherLogits),
            **exec_properties_of(teacher),
            teacher_sha256=teacher_sha256,
            evaluate=json_of(evaluate),
            task=json_of(task),
            code_digest=code_digest,
        )
        super().__init__(spec=spec)
