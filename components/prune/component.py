"""`Prune`: makes one student sparse."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Examples, Student, TeacherLogits
from components.parameters import exec_properties_of, json_of, parameters_of
from components.prune.executor import Executor
from learn2compress.config import PruneConfig, TaskConfig, TrainingConfig


class PruneSpec(ComponentSpec):
    """A dense student in, a sparse one of the same architecture out."""

    PARAMETERS = parameters_of(
        PruneConfig, student_name=str, task=str, training=str, seed=int, checkpoint_root=str, code_digest=str
    )
    INPUTS = {
        "examples": ChannelParameter(type=Examples),
        "teacher_logits": ChannelParameter(type=TeacherLogits),
        "student": ChannelParameter(type=Student),
    }
    OUTPUTS = {"pruned": ChannelParameter(type=Student)}


class Prune(base_component.BaseComponent):
    """Magnitude pruning along a schedule with distilled fine-tuning."""

    SPEC_CLASS = PruneSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        student: channel.BaseChannel,
        prune: PruneConfig,
        student_name: str,
        task: TaskConfig,
        training: TrainingConfig,
        seed: int,
        checkpoint_root: str,
        code_digest: str,
    ):
        spec = PruneSpec(
            examples=examples,
            teacher_logits=teacher_logits,
            student=student,
            pruned=channel.Channel(type=Student),
            **exec_properties_of(prune),
            student_name=student_name,
            task=json_of(task),
            training=json_of(training),
            seed=seed,
            checkpoint_root=checkpoint_root,
            code_digest=code_digest,
        )
        super().__init__(spec=spec)
